#include "config/config.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "config/access_fields.h"
#include "config/config_file.h"
#include "config/proxy_fields.h"

namespace ringcache::config {
namespace {

using routing::Backend;
using routing::PoolOptions;
using routing::PoolProblem;
using routing::ProblemSeverity;

// The pools of a text, each with the pointer of what it was read from: "" for nodes at the top
// level, else "/pools/NAME". As many and in the order of ProxyOptions::pools.
std::vector<std::string> pool_pointers(const JsonNode& root) {
  if (root.member("nodes") != nullptr) return {""};
  const JsonNode* pools = root.member("pools");
  std::vector<std::string> pointers;
  std::set<std::string_view> names;
  if (pools == nullptr) return pointers;
  for (const JsonNode* pool : pools->children) {
    if (names.insert(pool->key).second) pointers.push_back(pool->pointer());
  }
  return pointers;
}

bool has_misspelt_nodes(const JsonNode& root) {
  constexpr std::string_view kNames[] = {"nodes", "pools"};
  return std::any_of(root.children.begin(), root.children.end(), [&](const JsonNode* member) {
    return nearest_name(member->key, kNames).has_value();
  });
}

// Rules between fields, and routing's judgement of the pools, as findings in the text.
class Checker {
 public:
  Checker(const JsonDocument& document, const proxy::ProxyOptions& options,
          Diagnostics& diagnostics)
      : document_(document), options_(options), diagnostics_(diagnostics) {}

  void check() {
    const JsonNode& root = document_.root();
    if (!root.is(JsonKind::kObject)) return;
    check_listen();
    const JsonNode* nodes = root.member("nodes");
    const JsonNode* pools = root.member("pools");
    if (nodes != nullptr && pools != nullptr) {
      const JsonNode* second = nodes->index < pools->index ? pools : nodes;
      diagnostics_.error(
          second->key_range, second->pointer(), "both \"nodes\" and \"pools\"",
          "move the nodes into a pool: \"pools\": {\"default\": {\"nodes\": [...]}}");
      return;
    }
    if (nodes == nullptr && pools == nullptr) {
      if (has_misspelt_nodes(root)) return;  // reported
      diagnostics_.error(root.range, {}, "no nodes: neither \"nodes\" nor \"pools\" is here",
                         "the smallest configuration is {\"nodes\": [\"127.0.0.1:11211\"]}");
      return;
    }
    check_pools();
  }

 private:
  void check_listen() {
    std::set<std::string_view> seen;
    check_client_access(options_, [this](const std::string& pointer, std::string message) {
      if (!diagnostics_.has_error_within(pointer)) error_at(pointer, std::move(message));
    });
    for (std::size_t i = 0; i < options_.listen.size(); ++i) {
      std::string_view address = options_.listen[i];
      if (address.starts_with(proxy::kTlsListenPrefix)) {
        address.remove_prefix(proxy::kTlsListenPrefix.size());
      }
      const bool any_port = address.ends_with(":0");
      if (address.empty() || any_port || seen.insert(address).second) continue;
      error_at("/listen/" + std::to_string(i), "the address stands here twice");
    }
    const std::string& admin = options_.admin.listen;
    if (seen.contains(admin)) error_at("/admin/listen", "clients are served on this address");
  }

  void check_pools() {
    const std::vector<std::string> pointers = pool_pointers(document_.root());
    if (pointers.size() != options_.pools.size()) return;  // not an object; reported
    for (std::size_t i = 0; i < pointers.size(); ++i) {
      check_addresses(options_.pools[i], pointers[i]);
      for (const PoolProblem& problem : routing::check_pool(options_.pools[i])) {
        report(problem, pointers[i]);
      }
    }
    for (const routing::PoolsProblem& problem : routing::check_pools(options_.pools)) {
      report(problem.problem, pointers[problem.pool_index]);
    }
  }

  // Two names for one address would give one node two places on the ring and count it as two.
  void check_addresses(const PoolOptions& pool, const std::string& pointer) {
    std::map<std::string, std::size_t> first;
    for (std::size_t i = 0; i < pool.backends.size(); ++i) {
      const Backend& node = pool.backends[i];
      if (node.address.empty()) continue;  // reported
      const std::string address = routing::parse_backend(node.address).backend.name;
      const auto [other, is_new] = first.emplace(address, i);
      if (is_new || pool.backends[other->second].name == node.name) continue;
      error_at(pointer + "/nodes/" + std::to_string(i) + "/address",
               "the address of node " + in_quotes(pool.backends[other->second].name) + " too");
    }
  }

  void report(const PoolProblem& problem, const std::string& pool_pointer) {
    const std::string pointer = pool_pointer + problem.pointer;
    if (is_consequence(pool_pointer, problem.pointer)) return;
    const JsonNode& at = document_.nearest(pointer);
    const std::string text = printable(problem.text, 400);
    if (problem.severity == ProblemSeverity::kError) {
      diagnostics_.error(at.range, pointer, text);
    } else {
      diagnostics_.warning(at.range, pointer, text);
    }
  }

  // Whether the JSON of what the problem is about was bad itself, so that routing has seen a
  // default in its place.
  bool is_consequence(const std::string& pool_pointer, std::string_view pointer) const {
    constexpr std::string_view kNodes = "/nodes/";
    // A hash is judged with the ring that it is for.
    if (pointer == "/hash" && diagnostics_.has_error_at(pool_pointer + "/ring")) return true;
    if (pointer.starts_with(kNodes)) pointer = pointer.substr(0, pointer.find('/', kNodes.size()));
    return diagnostics_.has_error_within(pool_pointer + std::string(pointer)) ||
           diagnostics_.has_error_at(pool_pointer);
  }

  void error_at(const std::string& pointer, std::string message) {
    const JsonNode& at = document_.nearest(pointer);
    diagnostics_.error(at.range, at.pointer(), std::move(message));
  }

  const JsonDocument& document_;
  const proxy::ProxyOptions& options_;
  Diagnostics& diagnostics_;
};

}  // namespace

ConfigResult load_proxy_config(std::string_view text, std::string_view filename) {
  const SourceText source(text, filename);
  Diagnostics diagnostics(source);
  ConfigResult result;
  if (const std::optional<JsonDocument> document = parse_json(source, diagnostics)) {
    DecodeContext context(diagnostics);
    proxy_table().decode(context, document->root(), result.options);
    for (PoolOptions& pool : result.options.pools) pool.hash = pool.key_hash();
    Checker(*document, result.options, diagnostics).check();
  }
  result.errors = diagnostics.take_errors();
  result.warnings = diagnostics.take_warnings();
  return result;
}

ConfigResult load_proxy_config_file(const std::filesystem::path& path) {
  const ConfigFile file = read_config_file(path);
  if (file.ok()) return load_proxy_config(file.text, path.native());
  ConfigResult result;
  Diagnostic& error = result.errors.emplace_back();
  error.file = path.native();
  error.message = file.error;
  return result;
}

ConfigResult load_node_list(std::string_view comma_separated) {
  Json nodes = Json::array();
  std::size_t begin = 0;
  while (begin <= comma_separated.size()) {
    const std::size_t end = std::min(comma_separated.find(',', begin), comma_separated.size());
    nodes.push_back(comma_separated.substr(begin, end - begin));
    begin = end + 1;
  }
  const auto replace = Json::error_handler_t::replace;  // bytes that are not UTF-8
  return load_proxy_config(Json{{"nodes", nodes}}.dump(-1, ' ', false, replace), "--nodes");
}

}  // namespace ringcache::config
