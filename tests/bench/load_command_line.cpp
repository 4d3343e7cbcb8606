#include "tests/bench/load_command_line.h"

#include <algorithm>
#include <string>

namespace ringcache::bench {
namespace {

void declare_connection_options(CLI::App& app, LoadOptions& options) {
  const auto group = "Connections";
  app.add_option("-s,--server", options.server, "host:port, [::1]:port or unix:/path")
      ->capture_default_str()
      ->group(group);
  app.add_option("-c,--connections", options.connections, "connections in all")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str()
      ->group(group);
  app.add_option("-t,--threads", options.threads, "threads of the load generator")
      ->check(CLI::Range(1, 64))
      ->capture_default_str()
      ->group(group);
  app.add_option("--pipeline", options.pipeline,
                 "requests of a connection that may await their answer")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str()
      ->group(group);
  app.add_flag("--refill-each", options.refill_each,
               "with --pipeline: a new request for each answer, not a batch when all are answered")
      ->group(group);
  app.add_option("--pin", options.pin, "CPUs to pin the threads to, in turn, as 0,1")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group(group);
}

void declare_request_options(CLI::App& app, LoadOptions& options) {
  const auto group = "Requests";
  app.add_option("--get-share", options.get_share, "share of gets; the rest are sets")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(group);
  app.add_option("--multiget", options.multiget, "keys per get")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str()
      ->group(group);
  app.add_flag("--meta", options.meta, "meta protocol: mg and ms")->group(group);
  app.add_flag("--noreply", options.noreply, "sets want no answer (noreply, or the q flag)")
      ->group(group);
  app.add_flag("--cache-aside", options.cache_aside, "set each key that a get missed")
      ->group(group);
  app.add_option("--ttl", options.ttl_s, "seconds until a value expires; 0 is never")
      ->check(CLI::Range(0, 60 * 60 * 24 * 30))
      ->capture_default_str()
      ->group(group);
}

void declare_key_options(CLI::App& app, LoadOptions& options) {
  const auto group = "Keys and values";
  app.add_option("--keys", options.keys, "how many different keys")
      ->check(CLI::Range(1LL, 4'000'000'000LL))
      ->capture_default_str()
      ->group(group);
  app.add_option("--key-size", options.key_bytes, "bytes of a key")
      ->check(CLI::Range(1, static_cast<int>(KeySpace::kKeyBytesMax)))
      ->capture_default_str()
      ->group(group);
  app.add_option("--key-prefix", options.key_prefix, "cut to --key-size less 16 bytes")
      ->check([](const std::string& prefix) {
        const bool good = std::all_of(prefix.begin(), prefix.end(),
                                      [](unsigned char c) { return c > ' ' && c != 0x7f; });
        return good ? std::string() : std::string("a key has no spaces or control characters");
      })
      ->capture_default_str()
      ->group(group);
  app.add_option("--zipf", options.zipf, "exponent of the keys' popularity; 0 is uniform")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str()
      ->group(group);
  app.add_option("--value-size", options.value_size,
                 "bytes: N, LOW-HIGH, log:LOW-HIGH, lognormal:MEDIAN,SIGMA,LOW,HIGH")
      ->capture_default_str()
      ->group(group);
  app.add_flag("--client-flags", options.client_flags, "store client flags and check them")
      ->group(group);
  app.add_option("--seed", options.seed, "of all randomness")->capture_default_str()->group(group);
}

void declare_run_options(CLI::App& app, LoadOptions& options) {
  const auto group = "Run";
  app.add_flag("--preload", options.preload, "first set every key once")->group(group);
  app.add_option("--warmup", options.warmup_s, "seconds of load before measuring")
      ->check(CLI::Range(0.0, 86'400.0))
      ->capture_default_str()
      ->group(group);
  app.add_option("--seconds", options.seconds, "seconds measured; 0 stops after the preload")
      ->check(CLI::Range(0.0, 86'400.0))
      ->capture_default_str()
      ->group(group);
  app.add_option("--rate", options.rate,
                 "requests/s in all, each at its own time and its latency counted from then; "
                 "0 is flat out")
      ->check(CLI::Range(0.0, 1e8))
      ->capture_default_str()
      ->group(group);
  app.add_option("--server-pid", options.server_pids,
                 "processes whose CPU time and memory to report, as 123,456")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(CLI::PositiveNumber)
      ->group(group);
  app.add_flag("--allow-errors", options.allow_errors, "error replies do not fail the run")
      ->group(group);
  app.add_flag("--json", options.json, "print one JSON object")->group(group);
}

}  // namespace

void declare_load_options(CLI::App& app, LoadOptions& options) {
  // A script may append to a set of options: the last one counts.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  declare_connection_options(app, options);
  declare_request_options(app, options);
  declare_key_options(app, options);
  declare_run_options(app, options);
  app.footer(
      "Ctrl-C or SIGTERM ends the measurement early and reports it.\n"
      "Exit code: 0 good; 1 a wrong value, an error reply, a lost or unanswered request; 2 usage.\n"
      "Examples:\n"
      "  ringcache-load --preload --keys 100000                    flat out, 90 % gets\n"
      "  ringcache-load --preload --rate 5000 --seconds 30         latency at 5,000 requests/s\n"
      "  ringcache-load --multiget 20 --zipf 0.99 --cache-aside -s unix:/run/cache.sock");
}

}  // namespace ringcache::bench
