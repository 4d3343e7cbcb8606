// ringcache-replay: replays a request trace against a server and prints the hit rate.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tests/bench/replay.h"

namespace {

using ringcache::bench::CounterRow;
using ringcache::bench::kCounterRows;
using ringcache::bench::ReplayResult;

double hit_ratio(const ReplayResult& result) {
  const auto gets = static_cast<double>(result.counters.gets);
  return gets > 0 ? static_cast<double>(result.counters.hits) / gets : 0.0;
}

void print_json(const std::string& trace, const ReplayResult& result, bool failed) {
  nlohmann::ordered_json json;
  json["trace"] = trace;
  for (const CounterRow& row : kCounterRows) {
    json[std::string(row.name)] = result.counters.*row.member;
  }
  json["wrong"] = result.counters.wrong();
  json["hit_ratio"] = hit_ratio(result);
  json["seconds"] = result.seconds;
  json["first_problem"] = result.problem;
  json["failure"] = result.failure;
  json["failed"] = failed;
  std::puts(json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

void print_text(const std::string& trace, const ReplayResult& result, bool failed) {
  const auto number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
  std::printf("trace             %s, replayed in %.1f s\n", trace.c_str(), result.seconds);
  std::printf("requests          %llu\n", number(result.counters.gets));
  std::printf("hits              %llu\n", number(result.counters.hits));
  std::printf("misses            %llu\n", number(result.counters.misses));
  std::printf("hit rate          %.2f %%\n", hit_ratio(result) * 100);
  std::printf("refused sets      %llu\n",
              number(result.counters.error_replies + result.counters.not_stored));
  std::printf("wrong values      %llu\n", number(result.counters.wrong()));
  if (!result.problem.empty()) std::printf("first problem     %s\n", result.problem.c_str());
  if (!result.failure.empty()) std::printf("stopped by        %s\n", result.failure.c_str());
  if (failed) std::puts("FAILED");
}

}  // namespace

int main(int argc, char** argv) {
  using namespace ringcache::bench;
  constexpr int kUsage = 2;
  std::string server = "127.0.0.1:11211";
  std::string path;
  bool json = false;
  bool allow_errors = false;
  CLI::App app("Replays a request trace, one get at a time and a set on each miss.");
  app.add_option("-s,--server", server, "host:port, [::1]:port or unix:/path")
      ->capture_default_str();
  app.add_option("trace,--trace", path, "trace file, gzipped or not; - is standard input")
      ->required();
  app.add_flag("--allow-errors", allow_errors, "refused sets do not fail the run");
  app.add_flag("--json", json, "print one JSON object");
  app.footer("Exit code: 0 good; 1 a wrong value, a refused set, a lost server; 2 usage.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  std::string error;
  const auto endpoint = Endpoint::resolve(server, error);
  TraceReader trace(path);
  if (!endpoint || !trace.error().empty()) {
    const std::string reason = endpoint ? trace.error() : "--server " + server + ": " + error;
    std::fprintf(stderr, "ringcache-replay: %s\n", reason.c_str());
    return kUsage;
  }
  const ReplayResult result = replay_trace(trace, *endpoint);
  const bool failed = result.failed(allow_errors);
  (json ? print_json : print_text)(trace.name(), result, failed);
  return failed ? 1 : 0;
}
