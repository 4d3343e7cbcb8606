// What can be set about a node process. Plain data; filled from the command line by
// node_command_line.h, or by a test.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/tls_options.h"
#include "store/node_watch_options.h"
#include "store/store_options.h"
#include "store/sweep_control.h"

namespace ringcache::store {

inline constexpr std::size_t kThreadsLimit = 256;
// Requests of one connection in one turn unless -R says otherwise: deep pipelines are still
// answered as one batch, and a client that never stops sending holds up the others of its thread
// for a fraction of a millisecond.
inline constexpr std::uint32_t kRequestsPerTurn = 1024;
// And after so many nanoseconds, for requests that cost more than most.
inline constexpr std::int64_t kNanosecondsPerTurn = 100'000;

// What main.cpp does to the process around the node; node_process.h does it.
struct ProcessOptions {
  // Leave the terminal and go on in the background (-d).
  bool daemon = false;
  // Where to write the process id (-P); empty = nowhere.
  std::string pid_file;
  // Whose rights to take when started as root (-u); empty = keep those of the start.
  std::string user;
  // Keep all memory out of swap (-k).
  bool lock_memory = false;
  // Let a crash leave a core of any size (-r). A daemon then stays in its folder, for the core.
  bool core_dumps = false;
};

struct NodeOptions {
  StoreOptions store;
  ProcessOptions process;

  // Where clients connect (-p, -l, -s). Loopback unless told otherwise: passwords are not the rule.
  std::vector<net::Address> listen{net::Address::tcp("127.0.0.1", 11211)};
  // TLS on all of them that are TCP (-Z, and the words of -o that begin with ssl_).
  bool tls_enabled = false;
  net::TlsOptions tls;
  // Addresses beside those, without TLS (-l notls:ADDRESS).
  std::vector<net::Address> listen_plain;
  // Permission bits of UNIX sockets (-a).
  unsigned unix_mode = 0700;
  // Connections the kernel keeps until they are accepted (-b).
  int backlog = 1024;

  // Worker threads (-t); 0 = one per core.
  std::size_t threads = 0;

  // Client connections open at once (-c). More are answered with an error and closed, or wait in
  // the backlog if not refuse_at_limit (-o no_maxconns_fast).
  std::size_t connections_max = 1024;
  bool refuse_at_limit = true;
  // A connection that sends nothing, and takes nothing of an answer that waits for it, for this
  // long is closed (-o idle_timeout); 0 = never.
  std::chrono::seconds idle_timeout{0};
  // A data block must be there whole within this and a second for each 64 KiB of it, or its
  // connection is closed (-o upload_timeout), so that stalled and dripping uploads do not keep the
  // memory that other values need; 0 = never.
  std::chrono::seconds upload_timeout{30};

  // Requests of one connection that are executed before others have their turn (-R).
  std::uint32_t requests_per_turn = kRequestsPerTurn;
  // Whether a connection whose first byte is 0x80 is served in the binary protocol.
  bool binary_protocol = true;

  // What clients may ask for. Without cas (-C) every item says 0 and no comparison succeeds.
  bool cas_enabled = true;
  bool flush_enabled = true;     // flush_all; -F turns it off
  bool dump_enabled = true;      // lists of keys; -X turns them off
  bool enable_shutdown = false;  // the command shutdown; -A turns it on
  // What ends the prefix of a key, and whether keys are counted by it (-D): `stats detail`.
  char prefix_delimiter = ':';
  bool prefix_counts_enabled = false;
  // Whether `stats sizes` is given.
  bool sizes_enabled = true;
  // The sweep for expired items, as `lru_crawler` has it.
  SweepOptions sweep;
  // Ask the system for huge pages for items and hash table from their first touch on (-L).
  bool huge_pages = false;
  // Make memory ready before it is used, in huge pages (-o no_huge_pages turns it off).
  bool prepare_huge_pages = true;

  // Names and passwords, one of which a client must send first (-Y); empty = anybody may come.
  std::string auth_file;
  // In which a client must have sent it (-o auth_timeout); 0 = any time.
  std::chrono::seconds auth_timeout{30};

  // Whether clients may `watch` (-W turns it off), and what is kept for those who do.
  bool watch_enabled = true;
  WatchOptions watch;

  // 0: start, stop and trouble. 1 (-v): also connections. From 2 on (-vv): also request lines.
  unsigned verbosity = 0;

  // HTTP for Prometheus (--metrics); nothing = off.
  std::optional<net::Address> metrics = net::Address::tcp("127.0.0.1", 9150);
  // Before every metric name (--metrics-prefix).
  std::string metrics_prefix = "ringcache_node";

  // How long a SIGTERM waits for answers to be sent.
  std::chrono::milliseconds shutdown_grace{10'000};
};

}  // namespace ringcache::store
