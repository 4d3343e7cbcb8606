#include "proxy/application.h"

#include <chrono>
#include <cstddef>
#include <future>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config_file.h"
#include "config/move_report.h"
#include "net/log.h"

namespace ringcache::proxy {

namespace {

constexpr const char* kMetricsPrefix = "ringcache_proxy_";
constexpr std::chrono::seconds kReloadAnswerTimeout{30};
constexpr std::chrono::milliseconds kDrainLookInterval{50};
// A file with more errors than this has them in the answer to POST and in --check.
constexpr std::size_t kLoggedErrorsMax = 20;

void log_errors(const std::vector<config::Diagnostic>& errors) {
  for (std::size_t i = 0; i < errors.size() && i < kLoggedErrorsMax; ++i) {
    const config::Diagnostic& error = errors[i];
    if (error.line == 0) {
      net::log_error("configuration error",
                     {{"file", error.file}, {"pointer", error.pointer}, {"error", error.message}});
      continue;
    }
    net::log_error("configuration error", {{"file", error.file},
                                           {"line", error.line},
                                           {"column", error.column},
                                           {"pointer", error.pointer},
                                           {"error", error.message}});
  }
}

int http_status(ReloadResult result) {
  switch (result) {
    case ReloadResult::kApplied:
      return 200;
    case ReloadResult::kUnchanged:
      return 409;
    default:
      return 422;
  }
}

}  // namespace

void override_options(const CommandLine& line, ProxyOptions& options) {
  if (!line.listen.empty()) options.listen = line.listen;
  if (!line.admin.empty()) options.admin.listen = line.admin;
  if (line.threads) options.threads = *line.threads;
}

void set_up_log(const LogOptions& options) {
  net::LogOptions log;
  log.level = net::parse_log_level(options.level).value_or(net::LogLevel::kInfo);
  log.format = net::parse_log_format(options.format).value_or(net::LogFormat::kText);
  net::set_up_log(log);
}

Secrets read_secrets(config::ConfigResult& result, const std::string& filename) {
  std::vector<SecretProblem> problems;
  Secrets secrets = load_secrets(result.options, problems);
  for (SecretProblem& problem : problems) {
    config::Diagnostic& error = result.errors.emplace_back();
    error.file = filename;
    error.pointer = problem.pointer;
    error.message = std::move(problem.text);
  }
  return secrets;
}

Application::Application(CommandLine line, ProxyOptions options, std::string text, Secrets secrets,
                         std::string marks)
    : line_(std::move(line)),
      text_(std::move(text)),
      server_(std::make_unique<ProxyServer>(std::move(options), std::move(secrets))),
      shutdown_({.on_drain = [this] { drain(); },
                 .on_reload =
                     [this] {
                       std::string message;
                       reload("signal", message);
                     }}) {
  secret_files_.set(secret_files(server_->options()), std::move(marks));
}

std::optional<std::string> Application::run() {
  if (auto error = server_->start()) return error;
  for (std::size_t i = 0; i < server_->bound().size(); ++i) {
    const std::string tls = i < server_->tls_bound() ? " with TLS" : "";
    net::log_info("ringcache-proxy listening on " + server_->bound()[i].text() + tls);
  }
  if (auto error = start_admin()) return error;
  start_housekeeping();
  net::notify_ready("serving");
  shutdown_.run();
  if (admin_) admin_->stop();
  housekeeping_->stop();
  return std::nullopt;
}

std::optional<std::string> Application::start_admin() {
  const AdminOptions& wanted = server_->options().admin;
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

void Application::start_housekeeping() {
  Housekeeping::Watch watch;
  if (line_.nodes.empty() && server_->options().reload_watch) {
    using Clock = config::FileWatcher::TimePoint::clock;
    watcher_ = std::make_unique<config::FileWatcher>(line_.config_file, text_, Clock::now());
    watch.fd = watcher_->fd();
    watch.check = [this] { check_file(); };
  }
  const auto every_second = [this] {
    server_->sample_hit_ratios();
    if (watcher_) check_secret_files();
  };
  housekeeping_ = std::make_unique<Housekeeping>(every_second, std::move(watch));
}

// On the housekeeping thread.
void Application::check_file() {
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

// On the housekeeping thread.
void Application::check_secret_files() {
  if (!secret_files_.look()) return;
  shutdown_.post([this] {
    std::string message;
    reload("secrets", message);
  });
}

// On an admin thread, which waits for main.
net::AdminResponse Application::reload_by_http(bool dry_run) {
  struct Answer {
    ReloadResult result = ReloadResult::kUnchanged;
    std::string text;
  };
  if (draining_) return net::AdminResponse::text("the proxy is draining\n", 503);
  auto promise = std::make_shared<std::promise<Answer>>();
  auto future = promise->get_future();
  shutdown_.post([this, promise, dry_run] {
    Answer answer;
    answer.result = reload(dry_run ? "dry_run" : "http", answer.text, dry_run);
    promise->set_value(std::move(answer));
  });
  // A drain that begins now never comes to what was posted.
  const auto give_up = std::chrono::steady_clock::now() + kReloadAnswerTimeout;
  while (future.wait_for(kDrainLookInterval) != std::future_status::ready) {
    if (draining_) return net::AdminResponse::text("the proxy is draining\n", 503);
    if (std::chrono::steady_clock::now() > give_up) {
      return net::AdminResponse::text("busy: the reload is still to come\n", 503);
    }
  }
  Answer answer = future.get();
  return net::AdminResponse::text(std::move(answer.text), http_status(answer.result));
}

// On the main thread. `message`: what came of it, for people.
// `dry_run`: only what would come of it, with the share of keys that would move.
ReloadResult Application::reload(const char* trigger, std::string& message, bool dry_run) {
  if (!line_.nodes.empty()) {
    message = "the nodes were given on the command line: there is no file to load\n";
    server_->count_reload(ReloadResult::kUnchanged);
    return ReloadResult::kUnchanged;
  }
  // A pipe in the file's place would block all that main does.
  const config::ConfigFile file =
      config::read_config_file(line_.config_file, config::FileKind::kRegular);
  if (file.ok() && file.text == text_ && !secret_files_.changed()) {
    message = "unchanged\n";
    return unchanged(trigger, dry_run);
  }
  config::ConfigResult result = load(file);
  if (!result.ok()) return reject(trigger, result, message, dry_run);
  override_options(line_, result.options);
  std::vector<std::string> files = secret_files(result.options);
  std::string marks = FileMarks::mark_of(files);
  const Secrets secrets = read_secrets(result, line_.config_file);
  if (!result.ok()) return reject(trigger, result, message, dry_run);
  if (dry_run) {
    message = config::move_report(server_->options(), result.options);
    return ReloadResult::kApplied;
  }
  text_ = file.text;
  rejected_ = false;
  secret_files_.set(std::move(files), std::move(marks));
  apply(trigger, std::move(result.options), secrets, message);
  return ReloadResult::kApplied;
}

config::ConfigResult Application::load(const config::ConfigFile& file) const {
  if (file.ok()) return config::load_proxy_config(file.text, line_.config_file);
  config::ConfigResult result;
  config::Diagnostic& error = result.errors.emplace_back();
  error.file = line_.config_file;
  error.message = file.error;
  return result;
}

// The watcher also sees what another trigger has loaded; that is no attempt of its own, unless a
// bad edit was taken back.
ReloadResult Application::unchanged(const char* trigger, bool dry_run) {
  if (dry_run) return ReloadResult::kUnchanged;
  if (std::string_view(trigger) == "file" && !rejected_) return ReloadResult::kUnchanged;
  rejected_ = false;
  server_->count_reload(ReloadResult::kUnchanged);
  net::log_info("configuration unchanged", {{"trigger", trigger}});
  return ReloadResult::kUnchanged;
}

ReloadResult Application::reject(const char* trigger, const config::ConfigResult& result,
                                 std::string& message, bool dry_run) {
  message = config::format(result.errors);
  if (dry_run) return ReloadResult::kRejected;
  rejected_ = true;
  server_->count_reload(ReloadResult::kRejected);
  log_errors(result.errors);
  net::log_error("configuration rejected, keeping the running one",
                 {{"trigger", trigger}, {"errors", result.errors.size()}});
  return ReloadResult::kRejected;
}

void Application::apply(const char* trigger, ProxyOptions options, const Secrets& secrets,
                        std::string& message) {
  for (const std::string& field : config::changes_that_need_restart(server_->options(), options)) {
    net::log_warn("needs a restart to take effect", {{"field", field}});
    message += field + " needs a restart to take effect\n";
  }
  set_up_log(options.log);
  const std::vector<PoolChange> moved = server_->apply(std::move(options), secrets);
  net::log_info("configuration applied", {{"trigger", trigger}});
  message += "applied\n";
  for (const PoolChange& change : moved) {
    net::log_info("ring changed", {{"pool", change.pool}, {"ring_moved", change.moved_share}});
  }
}

void Application::drain() {
  draining_ = true;
  net::notify_stopping();
  const bool all = server_->drain();
  net::log_info("stopped", {{"all_clients_answered", all}});
}

}  // namespace ringcache::proxy
