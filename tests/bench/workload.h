#pragma once

// What a run does: the options of one load, and the parts derived from them that every thread
// shares. Immutable once made. Times are in seconds where a user gives them, nanoseconds inside.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/endpoint.h"
#include "tests/bench/key_chooser.h"
#include "tests/bench/key_space.h"
#include "tests/bench/value_sizes.h"

namespace ringcache::bench {

struct LoadOptions {
  std::string server = "127.0.0.1:11211";
  unsigned connections = 50;  // in all, spread over the threads
  unsigned threads = 1;
  unsigned pipeline = 1;     // most requests of a connection without their answer
  bool refill_each = false;  // send one for each answer, instead of a batch when all are answered
  unsigned multiget = 1;     // keys per get
  bool meta = false;         // mg and ms instead of get and set
  bool noreply = false;      // sets ask for no answer
  std::uint64_t keys = 1'000'000;
  std::size_t key_bytes = 20;
  std::string key_prefix = "key:";
  std::string value_size = "100";
  bool client_flags = false;  // store a function of the key as client flags, and check it
  double zipf = 0;            // exponent; 0 is uniform
  double get_share = 0.9;
  std::uint32_t ttl_s = 0;
  bool cache_aside = false;  // set what a get missed
  double rate = 0;           // requests/s in all, at fixed times; 0 is flat out
  double seconds = 10;       // measured; 0 stops after the preload
  double warmup_s = 1;
  bool preload = false;  // first set every key once
  std::uint64_t seed = 1;
  std::vector<unsigned> pin;  // CPUs for the threads, in turn
  std::vector<pid_t> server_pids;
  bool allow_errors = false;  // error replies do not fail the run
  bool json = false;
};

struct Workload {
  LoadOptions options;
  Endpoint endpoint;
  KeySpace key_space;
  KeyChooser chooser;
  ValueSizes sizes;

  /// Resolves the server and checks that the options fit together; the reason is in `error`.
  static std::optional<Workload> make(const LoadOptions& options, std::string& error);

  std::uint32_t client_flags_of(std::uint64_t index) const {
    return options.client_flags ? static_cast<std::uint32_t>(splitmix64(index)) : 0;
  }
};

}  // namespace ringcache::bench
