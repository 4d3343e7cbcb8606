// ringcache-proxy: what each action of the command line does; running it is application.h's.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>

#include "config/config.h"
#include "config/config_file.h"
#include "config/move_report.h"
#include "net/log.h"
#include "net/standard_streams.h"
#include "protocol/limits.h"
#include "proxy/application.h"
#include "proxy/command_line.h"
#include "proxy/routing_table.h"

namespace {

using namespace ringcache;
using proxy::CommandLine;

constexpr int kExitOk = 0;
constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
constexpr int kExitConfig = 78;  // EX_CONFIG of sysexits.h

int fail(int exit_code, const std::string& text) {
  std::fprintf(stderr, "ringcache-proxy: %s\n", text.c_str());
  return exit_code;
}

// Nodes given on the command line are a matter of usage.
int bad_config_code(const CommandLine& line) {
  return line.nodes.empty() ? kExitConfig : kExitUsage;
}

config::ConfigResult load(const CommandLine& line) {
  return line.nodes.empty() ? config::load_proxy_config_file(line.config_file)
                            : config::load_node_list(line.nodes);
}

// Prints what was found; whether the configuration is good.
bool print_findings(const config::ConfigResult& result) {
  std::fputs(config::format(result.warnings).c_str(), stderr);
  std::fputs(config::format(result.errors).c_str(), stderr);
  return result.ok();
}

// Addresses from the command line are mistakes of usage, not of configuration.
std::string bad_address(const CommandLine& line) {
  net::Address address;
  std::string error;
  for (std::string_view text : line.listen) {
    if (text.starts_with(proxy::kTlsListenPrefix)) {
      text.remove_prefix(proxy::kTlsListenPrefix.size());
      if (text.starts_with("unix:")) return "--listen: TLS is for TCP addresses";
    }
    if (!net::Address::parse(text, address, error)) return "--listen: " + error;
  }
  if (line.admin.empty() || line.admin == "off") return "";
  if (!net::Address::parse(line.admin, address, error)) return "--admin: " + error;
  return "";
}

// After --listen has had its say.
bool needs_certificate(const proxy::ProxyOptions& options) {
  return !options.tls && std::any_of(options.listen.begin(), options.listen.end(), [](auto& text) {
    return text.starts_with(proxy::kTlsListenPrefix);
  });
}

int check(const CommandLine& line) {
  config::ConfigResult result = load(line);
  if (result.ok()) proxy::read_secrets(result, line.config_file);
  if (!print_findings(result)) return bad_config_code(line);
  std::printf("%s: ok\n", line.config_file.c_str());
  if (line.against.empty()) return kExitOk;
  const config::ConfigResult before = config::load_proxy_config_file(line.against);
  if (!print_findings(before)) return kExitConfig;
  std::fputs(config::move_report(before.options, result.options).c_str(), stdout);
  return kExitOk;
}

int route(const CommandLine& line) {
  const bool visible = std::all_of(line.key.begin(), line.key.end(), [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != 0x7f;
  });
  if (line.key.empty() || line.key.size() > protocol::kKeyBytesMax || !visible) {
    return fail(kExitUsage,
                "--route: a key is 1 to 250 bytes without spaces or control characters");
  }
  const config::ConfigResult result = load(line);
  if (!print_findings(result)) return bad_config_code(line);
  const proxy::RoutingTable table(result.options, nullptr, {}, 1);
  const routing::RouteExplanation found = table.router().explain(line.key);
  if (found.mode == routing::RouteMode::kNoPool)
    return fail(kExitFailure, "no pool takes this key");
  const routing::Pool& pool = table.pool(found.pool);
  std::printf("key       %s\npool      %s\nring      %s, hash %s\nhashed    %s\n", line.key.c_str(),
              pool.options().name.c_str(), std::string(name(pool.options().ring)).c_str(),
              std::string(name(pool.options().key_hash())).c_str(), found.hashed.c_str());
  if (found.order.empty()) return fail(kExitFailure, "the pool has no node");
  const routing::ReplicaSet copies = table.replicas(found.pool).of(pool.ring(), found.hash);
  for (std::size_t i = 1; i < copies.count; ++i) {
    const routing::Backend& node = pool.backend(copies.nodes[i]);
    std::printf("copy      %s (%s)\n", node.name.c_str(), node.address.c_str());
  }
  const char* role = "owner";
  for (const routing::Target target : found.order) {
    const routing::Backend& node = table.pool(target.pool).backend(target.node);
    std::printf("%-9s %s (%s)\n", role, node.name.c_str(), node.address.c_str());
    role = "then";
  }
  return kExitOk;
}

// Lets the process open as many descriptors as its limits promise, as far as the system allows.
void raise_descriptor_limit(std::uint32_t client_connections) {
  constexpr rlim_t kOtherDescriptors = 4096;  // nodes, event loops, listeners, admin
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t needed = client_connections + kOtherDescriptors;
  if (limit.rlim_cur >= needed) return;
  limit.rlim_cur = limit.rlim_max == RLIM_INFINITY ? needed : std::min(needed, limit.rlim_max);
  if (::setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= needed) return;
  net::log_warn("fewer file descriptors than client_connections may need",
                {{"allowed", limit.rlim_cur}, {"wanted", needed}});
}

int run(const CommandLine& line) {
  std::string text;
  config::ConfigResult result;
  if (line.nodes.empty()) {
    const config::ConfigFile file = config::read_config_file(line.config_file);
    if (!file.ok()) return fail(kExitConfig, line.config_file + ": " + file.error);
    text = file.text;
    result = config::load_proxy_config(text, line.config_file);
  } else {
    result = config::load_node_list(line.nodes);
  }
  std::string marks = proxy::FileMarks::mark_of(proxy::secret_files(result.options));
  proxy::Secrets secrets;
  if (result.ok()) secrets = proxy::read_secrets(result, line.config_file);
  if (!print_findings(result)) return bad_config_code(line);
  proxy::override_options(line, result.options);
  if (needs_certificate(result.options)) {
    return fail(kExitUsage, "--listen: an address with TLS needs \"tls\" in the configuration");
  }
  proxy::set_up_log(result.options.log);
  raise_descriptor_limit(result.options.limits.client_connections);
  proxy::Application application(line, std::move(result.options), std::move(text),
                                 std::move(secrets), std::move(marks));
  if (const auto error = application.run()) return fail(kExitFailure, *error);
  return kExitOk;
}

int dispatch(const CommandLine& line) {
  if (const std::string error = bad_address(line); !error.empty()) return fail(kExitUsage, error);
  switch (line.action) {
    case proxy::Action::kRun:
      return run(line);
    case proxy::Action::kCheck:
      return check(line);
    case proxy::Action::kRoute:
      return route(line);
    case proxy::Action::kPrintConfig: {
      const config::ConfigResult result = load(line);
      if (!print_findings(result)) return bad_config_code(line);
      std::fputs(config::print_proxy_config(result.options).c_str(), stdout);
      return kExitOk;
    }
    case proxy::Action::kPrintSchema:
      std::fputs(config::print_proxy_schema().c_str(), stdout);
      return kExitOk;
  }
  return kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
  if (!net::open_standard_streams()) return kExitFailure;
  const proxy::CommandLineResult parsed = proxy::parse_command_line(argc, argv);
  if (!parsed.command_line) {
    std::fputs(parsed.text.c_str(), parsed.exit_code == 0 ? stdout : stderr);
    return parsed.exit_code;
  }
  try {
    return dispatch(*parsed.command_line);
  } catch (const std::exception& error) {
    return fail(kExitFailure, error.what());
  }
}
