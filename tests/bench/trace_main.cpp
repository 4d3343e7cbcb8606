// ringcache-trace: makes a request trace for ringcache-replay.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "tests/bench/trace_maker.h"

int main(int argc, char** argv) {
  using namespace ringcache::bench;
  constexpr int kUsage = 2;
  std::string sizes = "log:100-4000";
  TraceOptions options{.sizes = *ValueSizes::parse(sizes)};
  CLI::App app("Makes a trace of requests, for ringcache-replay, on standard output.");
  const auto add = [&](const char* name, auto& field, const char* what, const CLI::Validator& in) {
    app.add_option(name, field, what)->capture_default_str()->check(in);
  };
  app.add_option("--name", options.name, "of the trace, at least 3 characters")
      ->capture_default_str()
      ->check([](const std::string& name) {
        return name.size() >= 3 && name.find_first_of(" \n") == std::string::npos
                   ? std::string()
                   : std::string("at least 3 characters and no space");
      });
  add("--keys", options.keys, "keys that are popular by Zipf's law",
      CLI::Range(std::uint64_t{1}, kTraceKeysMax));
  add("--requests", options.requests, "in all", CLI::Range(std::uint64_t{1}, kTraceRequestsMax));
  add("--zipf", options.zipf, "exponent of their popularity; 0 is uniform", CLI::Range(0.0, 10.0));
  add("--scan-share", options.scan_share, "share of requests that belong to scans",
      CLI::Range(0.0, 0.99));
  add("--scan-run", options.scan_run, "keys of one scan",
      CLI::Range(std::uint64_t{1}, kTraceKeysMax));
  add("--scan-keys", options.scan_keys, "keys that are only scanned",
      CLI::Range(std::uint64_t{0}, kTraceKeysMax));
  add("--drift-every", options.drift_every,
      "requests after which a popular key and any other change places; 0 is never",
      CLI::Range(std::uint64_t{0}, kTraceRequestsMax));
  add("--seed", options.seed, "of all randomness", CLI::NonNegativeNumber);
  app.add_option("--value-size", sizes, "bytes: N, LOW-HIGH, log:LOW-HIGH, ...")
      ->capture_default_str();
  app.footer("ringcache-trace --scan-share 0.2 --scan-keys 300000 | ringcache-replay -");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  const auto parsed = ValueSizes::parse(sizes);
  const char* wrong = nullptr;
  if (!parsed) wrong = "--value-size: none of the forms";
  if (options.scan_share > 0 && options.scan_keys == 0) wrong = "--scan-share needs --scan-keys";
  if (options.keys + options.scan_keys > kTraceKeysMax) wrong = "--keys and --scan-keys: too many";
  if (wrong != nullptr) {
    std::fprintf(stderr, "ringcache-trace: %s\n", wrong);
    return kUsage;
  }
  options.sizes = *parsed;
  std::ios::sync_with_stdio(false);
  make_trace(options, std::cout);
  std::cout.flush();
  return std::cout.good() ? 0 : 1;
}
