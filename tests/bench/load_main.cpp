// ringcache-load: puts load on a memcached-protocol server, measures, and checks what it reads.

#include <csignal>
#include <cstdio>

#include "tests/bench/load_command_line.h"
#include "tests/bench/load_report.h"
#include "tests/bench/load_run.h"

int main(int argc, char** argv) {
  using namespace ringcache::bench;
  constexpr int kUsage = 2;
  LoadOptions options;
  CLI::App app("Puts load on a memcached-protocol server, measures it, and checks what it reads.");
  declare_load_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  std::string error;
  const auto workload = Workload::make(options, error);
  if (!workload) {
    std::fprintf(stderr, "ringcache-load: %s\n", error.c_str());
    return kUsage;
  }
  std::signal(SIGINT, [](int) { stop_load(); });
  std::signal(SIGTERM, [](int) { stop_load(); });
  const auto result = run_load(*workload, error);
  if (!result) {
    std::fprintf(stderr, "ringcache-load: %s\n", error.c_str());
    return 1;
  }
  const std::string report =
      options.json ? load_report_json(options, *result) : load_report_text(options, *result);
  std::fputs(report.c_str(), stdout);
  return result->failed(options.allow_errors) ? 1 : 0;
}
