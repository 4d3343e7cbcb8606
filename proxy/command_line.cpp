#include "proxy/command_line.h"

#include <CLI/CLI.hpp>
#include <sstream>

#include "proxy/proxy_options.h"
#include "proxy/proxy_version.h"

namespace ringcache::proxy {

namespace {

constexpr int kExitUsage = 2;
constexpr std::uint32_t kThreadsMax = 1024;

constexpr const char* kExamples = R"(Examples:
  ringcache-proxy -c /etc/ringcache/proxy.json
  ringcache-proxy -n 10.0.0.11:11211,10.0.0.12:11211
  ringcache-proxy --check proxy.json --against proxy.json.old
  ringcache-proxy --route user:1000 -c proxy.json

A changed configuration file is loaded by itself; SIGHUP loads it at once. SIGTERM answers what was
asked and ends. Exit codes: 0 ok, 1 failure at run time, 2 usage, 78 configuration.)";

struct Parsed {
  CommandLine line;
  std::string check_file;
  bool print_config = false;
  bool print_schema = false;
  std::uint32_t threads = 0;
};

void declare(CLI::App& app, Parsed& parsed) {
  const ProxyOptions defaults;  // shown, never taken: the configuration goes before them
  app.set_version_flag("-V,--version", "ringcache-proxy " + std::string(kProxyVersion));
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.footer(kExamples);
  auto* const file = app.add_option("-c,--config", parsed.line.config_file, "Configuration (JSON)")
                         ->type_name("FILE")
                         ->group("Run");
  app.add_option("-n,--nodes", parsed.line.nodes, "Nodes instead of a configuration, one pool")
      ->type_name("HOST:PORT,...")
      ->excludes(file)
      ->group("Run");
  app.add_option("-l,--listen", parsed.line.listen,
                 "Address for clients, instead of the configuration's; may be repeated")
      ->type_name("ADDRESS")
      ->default_str(defaults.listen.front())
      ->group("Run");
  app.add_option("-t,--threads", parsed.threads,
                 "Worker threads, instead of the configuration's; 0: one per core")
      ->check(CLI::Range(0u, kThreadsMax))
      ->type_name("N")
      ->default_str(std::to_string(defaults.threads))
      ->group("Run");
  app.add_option(
         "--admin", parsed.line.admin,
         "Address of /metrics, the health probes and the reload, instead of the configuration's")
      ->type_name("ADDRESS|off")
      ->default_str(defaults.admin.listen)
      ->group("Run");
  auto* const check = app.add_option("--check", parsed.check_file, "Check a configuration and exit")
                          ->type_name("FILE")
                          ->group("Look");
  app.add_option(
         "--against", parsed.line.against,
         "With --check: also what share of the keys moves, compared with this configuration")
      ->type_name("OLD")
      ->needs(check)
      ->group("Look");
  app.add_option("--route", parsed.line.key, "Print the owner of a key, then who stands in for it")
      ->type_name("KEY")
      ->group("Look");
  app.add_flag("--print-config", parsed.print_config, "Print the configuration with all defaults")
      ->group("Look");
  app.add_flag("--print-schema", parsed.print_schema, "Print the JSON schema of the configuration")
      ->group("Look");
}

CommandLineResult mistake(const std::string& text) {
  return {std::nullopt, kExitUsage, "ringcache-proxy: " + text + "\nTry --help.\n"};
}

CommandLineResult decide(const CLI::App& app, Parsed& parsed) {
  CommandLine& line = parsed.line;
  const bool route = app.count("--route") > 0;
  const int actions = static_cast<int>(!parsed.check_file.empty()) + static_cast<int>(route) +
                      static_cast<int>(parsed.print_config) + static_cast<int>(parsed.print_schema);
  if (actions > 1) {
    return mistake("--check, --route, --print-config and --print-schema exclude each other");
  }
  if (!parsed.check_file.empty()) {
    if (!line.config_file.empty() || !line.nodes.empty()) {
      return mistake("--check names its own file: leave out -c and -n");
    }
    line.action = Action::kCheck;
    line.config_file = parsed.check_file;
  } else if (route) {
    line.action = Action::kRoute;
  } else if (parsed.print_config) {
    line.action = Action::kPrintConfig;
  } else if (parsed.print_schema) {
    line.action = Action::kPrintSchema;
  }
  if (line.action != Action::kPrintSchema && line.config_file.empty() && line.nodes.empty()) {
    return mistake("which nodes? give -c FILE or -n HOST:PORT,...");
  }
  if (app.count("--threads") > 0) line.threads = parsed.threads;
  return {line, 0, ""};
}

}  // namespace

CommandLineResult parse_command_line(int argc, const char* const* argv) {
  CLI::App app{"A memcached proxy: routes keys over a consistent-hash ring to a pool of nodes.",
               "ringcache-proxy"};
  Parsed parsed;
  declare(app, parsed);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    const bool good = app.exit(error, out, err) == 0;
    if (good) return {std::nullopt, 0, out.str()};
    return mistake(error.what());
  }
  return decide(app, parsed);
}

}  // namespace ringcache::proxy
