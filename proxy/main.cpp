// ringcache-proxy: command line -> configuration -> ProxyServer -> until SIGTERM.
//
// The one file that knows configuration files (config/) and the proxy. Three threads beside the
// workers: main waits for signals and applies reloads, housekeeping watches the file, the admin
// server answers HTTP. Reloads, wherever they come from, run on main, one after the other.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <future>
#include <memory>
#include <string>

#include "config/config.h"
#include "config/config_file.h"
#include "config/file_watcher.h"
#include "config/move_report.h"
#include "net/admin_server.h"
#include "net/log.h"
#include "net/shutdown.h"
#include "protocol/limits.h"
#include "proxy/command_line.h"
#include "proxy/housekeeping.h"
#include "proxy/proxy_server.h"

namespace {

using namespace ringcache;
using proxy::CommandLine;
using proxy::ProxyOptions;
using proxy::ProxyServer;
using proxy::ReloadResult;

constexpr int kExitOk = 0;
constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
constexpr int kExitConfig = 78;  // EX_CONFIG of sysexits.h

constexpr const char* kMetricsPrefix = "ringcache_proxy_";
constexpr std::chrono::seconds kReloadAnswerTimeout{30};

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

void override_options(const CommandLine& line, ProxyOptions& options) {
  if (!line.listen.empty()) options.listen = line.listen;
  if (!line.admin.empty()) options.admin.listen = line.admin;
  if (line.threads) options.threads = *line.threads;
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
  for (const std::string& text : line.listen) {
    if (!net::Address::parse(text, address, error)) return "--listen: " + error;
  }
  if (line.admin.empty() || line.admin == "off") return "";
  if (!net::Address::parse(line.admin, address, error)) return "--admin: " + error;
  return "";
}

int check(const CommandLine& line) {
  const config::ConfigResult result = load(line);
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
  const char* role = "owner";
  for (const routing::Target target : found.order) {
    const routing::Backend& node = table.pool(target.pool).backend(target.node);
    std::printf("%-9s %s (%s)\n", role, node.name.c_str(), node.address.c_str());
    role = "then";
  }
  return kExitOk;
}

void set_up_log(const proxy::LogOptions& options) {
  net::LogOptions log;
  log.level = net::parse_log_level(options.level).value_or(net::LogLevel::kInfo);
  log.format = net::parse_log_format(options.format).value_or(net::LogFormat::kText);
  net::set_up_log(log);
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

// The running proxy and its reloads.
class Application {
 public:
  Application(CommandLine line, ProxyOptions options, std::string text)
      : line_(std::move(line)),
        text_(std::move(text)),
        server_(std::make_unique<ProxyServer>(std::move(options))),
        shutdown_({.on_drain = [this] { drain(); },
                   .on_reload =
                       [this] {
                         std::string message;
                         reload("signal", message);
                       }}) {}

  int run() {
    if (const auto error = server_->start()) return fail(kExitFailure, *error);
    for (const net::Address& address : server_->bound()) {
      net::log_info("ringcache-proxy listening on " + address.text());
    }
    if (const auto error = start_admin()) return fail(kExitFailure, *error);
    start_housekeeping();
    net::notify_ready("serving");
    shutdown_.run();
    if (admin_) admin_->stop();
    housekeeping_->stop();
    return kExitOk;
  }

 private:
  std::optional<std::string> start_admin() {
    const proxy::AdminOptions& wanted = server_->options().admin;
    if (wanted.listen == "off") return std::nullopt;
    net::AdminOptions options;
    std::string error;
    if (!net::Address::parse(wanted.listen, options.listen, error)) return error;
    if (!wanted.token_file.empty()) {
      const config::ConfigFile file = config::read_config_file(wanted.token_file);
      if (!file.ok()) return "admin token: " + file.error;
      options.bearer_token = file.text.substr(0, file.text.find_first_of("\r\n"));
      if (options.bearer_token.empty()) return "admin token: " + wanted.token_file + " is empty";
    }
    admin_ = std::make_unique<net::AdminServer>(std::move(options));
    admin_->set_metrics(kMetricsPrefix,
                        [this](net::MetricFamilies& metrics) { server_->collect(metrics); });
    admin_->set_readiness([this] { return server_->readiness(); });
    admin_->post("/api/v1/reload", [this](const net::AdminRequest& request) {
      const std::string dry_run = request.parameter("dry_run").value_or("0");
      return reload_by_http(dry_run != "0");
    });
    if (auto failed = admin_->start()) return failed;
    net::log_info("metrics on http://" + admin_->bound().text() + "/metrics");
    return std::nullopt;
  }

  void start_housekeeping() {
    proxy::Housekeeping::Watch watch;
    if (line_.nodes.empty() && server_->options().reload_watch) {
      using Clock = config::FileWatcher::TimePoint::clock;
      watcher_ = std::make_unique<config::FileWatcher>(line_.config_file, text_, Clock::now());
      watch.fd = watcher_->fd();
      watch.check = [this] { check_file(); };
    }
    housekeeping_ = std::make_unique<proxy::Housekeeping>([this] { server_->sample_hit_ratios(); },
                                                          std::move(watch));
  }

  // On the housekeeping thread.
  void check_file() {
    const auto report = watcher_->check(config::FileWatcher::TimePoint::clock::now());
    if (report.change == config::FileChange::kChanged) {
      shutdown_.post([this] {
        std::string message;
        reload("file", message);
      });
    } else if (report.change == config::FileChange::kUnreadable) {
      net::log_warn("configuration file unreadable, keeping the running configuration",
                    {{"file", line_.config_file}, {"error", report.error}});
    }
  }

  net::AdminResponse reload_by_http(bool dry_run) {
    struct Answer {
      ReloadResult result = ReloadResult::kUnchanged;
      std::string text;
    };
    auto promise = std::make_shared<std::promise<Answer>>();
    auto future = promise->get_future();
    shutdown_.post([this, promise, dry_run] {
      Answer answer;
      answer.result = reload(dry_run ? "dry_run" : "http", answer.text, dry_run);
      promise->set_value(std::move(answer));
    });
    if (future.wait_for(kReloadAnswerTimeout) != std::future_status::ready) {
      return net::AdminResponse::text("the proxy is draining\n", 503);
    }
    Answer answer = future.get();
    const int status = answer.result == ReloadResult::kApplied     ? 200
                       : answer.result == ReloadResult::kUnchanged ? 409
                                                                   : 422;
    return net::AdminResponse::text(std::move(answer.text), status);
  }

  // On the main thread. `message`: what came of it, for people.
  // `dry_run`: only what would come of it, with the share of keys that would move.
  ReloadResult reload(const char* trigger, std::string& message, bool dry_run = false) {
    if (!line_.nodes.empty()) {
      message = "the nodes were given on the command line: there is no file to load\n";
      server_->count_reload(ReloadResult::kUnchanged);
      return ReloadResult::kUnchanged;
    }
    const config::ConfigFile file = config::read_config_file(line_.config_file);
    if (!file.ok()) return reject(trigger, file.error + "\n", message, dry_run);
    if (file.text == text_) {
      message = "unchanged\n";
      // The watcher also sees what another trigger has loaded; that is no attempt of its own.
      if (dry_run || std::string_view(trigger) == "file") return ReloadResult::kUnchanged;
      server_->count_reload(ReloadResult::kUnchanged);
      net::log_info("configuration unchanged", {{"trigger", trigger}});
      return ReloadResult::kUnchanged;
    }
    config::ConfigResult result = config::load_proxy_config(file.text, line_.config_file);
    if (!result.ok()) return reject(trigger, config::format(result.errors), message, dry_run);
    override_options(line_, result.options);
    if (dry_run) {
      message = config::move_report(server_->options(), result.options);
      return ReloadResult::kApplied;
    }
    text_ = file.text;
    apply(trigger, std::move(result.options), message);
    return ReloadResult::kApplied;
  }

  ReloadResult reject(const char* trigger, const std::string& errors, std::string& message,
                      bool dry_run) {
    message = errors;
    if (dry_run) return ReloadResult::kRejected;
    server_->count_reload(ReloadResult::kRejected);
    net::log_error("configuration rejected, keeping the running one",
                   {{"trigger", trigger}, {"errors", errors}});
    return ReloadResult::kRejected;
  }

  void apply(const char* trigger, ProxyOptions options, std::string& message) {
    for (const std::string& field :
         config::changes_that_need_restart(server_->options(), options)) {
      net::log_warn("needs a restart to take effect", {{"field", field}});
      message += field + " needs a restart to take effect\n";
    }
    set_up_log(options.log);
    const std::vector<proxy::PoolChange> moved = server_->apply(std::move(options));
    net::log_info("configuration applied", {{"trigger", trigger}});
    message += "applied\n";
    for (const proxy::PoolChange& change : moved) {
      net::log_info("ring changed", {{"pool", change.pool}, {"ring_moved", change.moved_share}});
    }
  }

  void drain() {
    net::notify_stopping();
    const bool all = server_->drain();
    net::log_info("stopped", {{"all_clients_answered", all}});
  }

  CommandLine line_;
  std::string text_;  // of the configuration that runs
  std::unique_ptr<ProxyServer> server_;
  net::Shutdown shutdown_;
  std::unique_ptr<net::AdminServer> admin_;
  std::unique_ptr<config::FileWatcher> watcher_;
  std::unique_ptr<proxy::Housekeeping> housekeeping_;
};

int run(const CommandLine& line) {
  std::string text;
  config::ConfigResult result;
  if (line.nodes.empty()) {
    const config::ConfigFile file = config::read_config_file(line.config_file);
    if (!file.ok()) return fail(kExitConfig, file.error);
    text = file.text;
    result = config::load_proxy_config(text, line.config_file);
  } else {
    result = config::load_node_list(line.nodes);
  }
  if (!print_findings(result)) return bad_config_code(line);
  override_options(line, result.options);
  set_up_log(result.options.log);
  raise_descriptor_limit(result.options.limits.client_connections);
  Application application(line, std::move(result.options), std::move(text));
  return application.run();
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
