// Application: the running proxy and its reloads.
//
// Three threads beside the workers: main waits for signals and applies reloads, housekeeping
// watches the file, the admin server answers HTTP. Reloads, wherever they come from, run on main,
// one after the other; a bad file leaves the running configuration as it is.
//
// Made and run by main().
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "config/config.h"
#include "config/file_watcher.h"
#include "net/admin_server.h"
#include "net/shutdown.h"
#include "proxy/command_line.h"
#include "proxy/file_marks.h"
#include "proxy/housekeeping.h"
#include "proxy/proxy_server.h"
#include "proxy/secrets.h"

namespace ringcache::proxy {

// What the command line says goes before what the file says.
void override_options(const CommandLine& line, ProxyOptions& options);
void set_up_log(const LogOptions& options);
// Reads the files that `result` names; what is wrong with them is added to its errors.
Secrets read_secrets(config::ConfigResult& result, const std::string& filename);

class Application {
 public:
  // `text` is the configuration file's, which `options` came from; empty when the command line
  // names the nodes.
  // `secrets`: what the files say that it names; `marks`: of these files, taken before.
  Application(CommandLine line, ProxyOptions options, std::string text, Secrets secrets,
              std::string marks);

  // Serves until SIGTERM or SIGINT, then drains. An error text: it could not start.
  [[nodiscard]] std::optional<std::string> run();

 private:
  std::optional<std::string> start_admin();
  void start_housekeeping();
  void check_file();
  net::AdminResponse reload_by_http(bool dry_run);
  ReloadResult reload(const char* trigger, std::string& message, bool dry_run = false);
  config::ConfigResult load(const config::ConfigFile& file) const;
  ReloadResult unchanged(const char* trigger, bool dry_run);
  ReloadResult reject(const char* trigger, const config::ConfigResult& result, std::string& message,
                      bool dry_run);
  void apply(const char* trigger, ProxyOptions options, const Secrets& secrets,
             std::string& message);
  void check_secret_files();
  void drain();

  CommandLine line_;
  std::string text_;       // of the configuration that runs
  bool rejected_ = false;  // the last attempt to load another
  FileMarks secret_files_;
  std::atomic<bool> draining_{false};
  std::unique_ptr<ProxyServer> server_;
  net::Shutdown shutdown_;
  std::unique_ptr<net::AdminServer> admin_;
  std::unique_ptr<config::FileWatcher> watcher_;
  std::unique_ptr<Housekeeping> housekeeping_;
};

}  // namespace ringcache::proxy
