// ringcache-node: a memcached-protocol cache. Command line -> Node -> until SIGTERM.
//
// Exit codes: 0 ended by SIGTERM or SIGINT (or -h, -V), 1 could not start, 2 a mistake on the
// command line.
#include <sys/resource.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include "net/log.h"
#include "net/shutdown.h"
#include "net/startup_pages.h"
#include "store/node.h"
#include "store/node_command_line.h"

namespace {

using ringcache::store::Node;
using ringcache::store::NodeOptions;

constexpr int kExitOk = 0;
constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;

// Descriptors beside the clients': listeners, event loops, metrics, log.
constexpr rlim_t kOtherDescriptors = 128;

int fail(int exit_code, const std::string& text) {
  std::fprintf(stderr, "ringcache-node: %s\n", text.c_str());
  return exit_code;
}

// Lets the process open a descriptor for each client that -c allows. What is wrong, or nothing.
std::string raise_descriptor_limit(std::size_t connections_max) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return "";
  const rlim_t needed = connections_max + kOtherDescriptors;
  if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= needed) return "";
  limit.rlim_cur = needed;
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < needed) limit.rlim_max = needed;
  if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) return "";
  return "-c " + std::to_string(connections_max) + ": needs " + std::to_string(needed) +
         " file descriptors and the system allows fewer; raise `ulimit -n` (LimitNOFILE=) or lower "
         "-c";
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

int run(const NodeOptions& options) {
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
    node = std::make_unique<Node>(options);
  } catch (const std::invalid_argument& error) {
    return fail(kExitUsage, error.what());
  } catch (const std::bad_alloc&) {
    return fail(kExitFailure, "the system has no address space for that much memory (-m)");
  }
  if (const auto error = node->start()) return fail(kExitFailure, *error);
  log_start(*node);
  ringcache::net::release_startup_pages();
  ringcache::net::notify_ready("serving");
  shutdown.run();
  return kExitOk;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto command_line = ringcache::store::parse_node_command_line(argc, argv);
    if (!command_line.options) {
      std::fputs(command_line.text.c_str(), command_line.exit_code == kExitOk ? stdout : stderr);
      return command_line.exit_code;
    }
    const std::string wrong = raise_descriptor_limit(command_line.options->connections_max);
    if (!wrong.empty()) return fail(kExitFailure, wrong);
    return run(*command_line.options);
  } catch (const std::exception& error) {
    return fail(kExitFailure, error.what());
  }
}
