// ringcache-node: a memcached-protocol cache. Command line -> Node -> until SIGTERM.
//
// Exit codes: 0 ended by SIGTERM or SIGINT (or -h, -V), 1 could not start, 2 a mistake on the
// command line.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "net/log.h"
#include "net/shutdown.h"
#include "net/standard_streams.h"
#include "net/startup_pages.h"
#include "store/node.h"
#include "store/node_command_line.h"
#include "store/node_process.h"
#include "store/node_secrets.h"

namespace {

using ringcache::store::Node;
using ringcache::store::NodeOptions;

constexpr int kExitOk = 0;
constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;

int fail(int exit_code, const std::string& text) {
  std::fprintf(stderr, "ringcache-node: %s\n", text.c_str());
  return exit_code;
}

// What needs the rights of the start. What is wrong, or nothing.
std::optional<std::string> lift_limits(const NodeOptions& options) {
  using namespace ringcache::store;
  if (auto wrong = raise_descriptor_limit(options.connections_max)) return wrong;
  if (options.process.core_dumps) {
    if (auto wrong = allow_core_dumps()) return wrong;
  }
  if (options.process.lock_memory) allow_locked_memory();
  return std::nullopt;
}

void log_warnings(const NodeOptions& options, const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) ringcache::net::log_warn(warning);
  if (::geteuid() == 0 && options.process.user.empty()) {
    ringcache::net::log_warn("runs as root; -u USER gives up root's rights after the start");
  }
}

void log_start(const Node& node) {
  for (const ringcache::net::Address& address : node.bound()) {
    ringcache::net::log_info("ringcache-node listening on " + address.text());
  }
  if (const auto metrics = node.metrics_bound()) {
    ringcache::net::log_info("metrics on http://" + metrics->text() + "/metrics");
  }
  ringcache::net::log_info(
      "ready", {{"threads", node.threads()},
                {"memory_mib", node.options().store.memory_bytes / ringcache::store::kMiB},
                {"connections_max", node.options().connections_max}});
}

int run(NodeOptions options, const std::vector<std::string>& warnings) {
  using namespace ringcache::store;
  const ProcessOptions& process = options.process;
  if (process.daemon) make_paths_absolute(options);
  if (const auto wrong = lift_limits(options)) return fail(kExitFailure, *wrong);
  NodeSecrets secrets = read_secrets(options);
  if (const auto wrong = take_identity(process.user)) return fail(kExitFailure, *wrong);
  std::optional<Background> background;
  if (process.daemon) background.emplace();
  log_warnings(options, warnings);
  std::unique_ptr<Node> node;
  ringcache::net::Shutdown shutdown(
      {.on_drain =
           [&node] {
             ringcache::net::notify_stopping();
             const bool all = node->drain();
             ringcache::net::log_info("stopped", {{"all_clients_answered", all}});
           },
       .on_reload = [&node] { node->reload(); }});
  try {
    node = std::make_unique<Node>(options, std::move(secrets));
  } catch (const std::invalid_argument& error) {
    return fail(kExitUsage, error.what());
  } catch (const std::bad_alloc&) {
    return fail(kExitFailure, "the system has no address space for that much memory (-m)");
  }
  if (const auto error = node->start()) return fail(kExitFailure, *error);
  if (process.lock_memory) {
    if (const auto wrong = lock_memory()) {
      ringcache::net::log_warn("-k has no effect: " + *wrong);
    }
  }
  const PidFile pid_file(process.pid_file);
  log_start(*node);
  if (background) background->ready(process.core_dumps, options.verbosity > 0);
  ringcache::net::release_startup_pages();
  ringcache::net::notify_ready("serving");
  shutdown.run();
  return kExitOk;
}

}  // namespace

int main(int argc, char** argv) {
  if (!ringcache::net::open_standard_streams()) return kExitFailure;
  try {
    const auto command_line = ringcache::store::parse_node_command_line(argc, argv);
    if (!command_line.options) {
      std::fputs(command_line.text.c_str(), command_line.exit_code == kExitOk ? stdout : stderr);
      return command_line.exit_code;
    }
    return run(*command_line.options, command_line.warnings);
  } catch (const std::exception& error) {
    return fail(kExitFailure, error.what());
  }
}
