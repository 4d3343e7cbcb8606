// What can be set about a node process. Plain data; filled from the command line by
// node_command_line.h, or by a test.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "net/address.h"
#include "store/store_options.h"

namespace ringcache::store {

inline constexpr std::size_t kThreadsLimit = 256;

struct NodeOptions {
  StoreOptions store;

  // Where clients connect (-p, -l, -s). Loopback unless told otherwise: passwords are not the rule.
  std::vector<net::Address> listen{net::Address::tcp("127.0.0.1", 11211)};
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

  // Names and passwords, one of which a client must send first (-Y); empty = anybody may come.
  std::string auth_file;
  // In which a client must have sent it (-o auth_timeout); 0 = any time.
  std::chrono::seconds auth_timeout{30};

  // 0: start, stop and trouble. 1 (-v): also connections. 2 (-vv): also every request line.
  unsigned verbosity = 0;

  // HTTP for Prometheus (--metrics); nothing = off.
  std::optional<net::Address> metrics = net::Address::tcp("127.0.0.1", 9150);
  // Before every metric name (--metrics-prefix).
  std::string metrics_prefix = "ringcache_node";

  // How long a SIGTERM waits for answers to be sent.
  std::chrono::milliseconds shutdown_grace{10'000};
};

}  // namespace ringcache::store
