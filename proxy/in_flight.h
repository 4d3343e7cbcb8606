// InFlight: what an Upstream remembers of a request until its reply is in, and whether what comes
// can be that reply. Plain data; touched by the worker of its Upstream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "net/clock.h"
#include "protocol/command.h"
#include "protocol/response.h"

namespace ringcache::proxy {

struct PendingRequest;
struct PoolCounters;
struct ReplicaRead;

// What a reply will be for.
struct InFlight {
  PendingRequest* pending = nullptr;  // null: nobody waits any more, or a probe
  PoolCounters* pool = nullptr;       // the pool of its keys; null: counted for none
  protocol::Command command = protocol::Command::kVersion;
  bool probe = false;
  bool login = false;           // our password, before anything else
  bool shadow = false;          // a copy (client_shadows.cpp): counted, and nobody waits
  std::uint8_t rank = 0;        // of the node among those that have the key; 0: its owner
  bool whole = false;           // the only part of its request: a node's error line is passed on
  bool answered = false;        // some of its reply has been passed on
  std::uint32_t keys_left = 0;  // keys without a VALUE so far; retrieval commands
  // key_mark() of the one key that was asked for, which a reply that names a key must name; 0: any.
  std::size_t key_mark = 0;
  ReplicaRead* replica = nullptr;  // not null: others have the key, too (replica_reads.h)
  net::SteadyNs sent = 0;
};

inline std::size_t key_mark(std::string_view key) {
  return std::hash<std::string_view>{}(key) | 1;
}

// A reply is believed only if its command can have it (protocol/reply_rules.h), if it names the key
// that was asked for where it names one, and if it has no more values than keys.
bool is_reply_to(const InFlight& entry, const protocol::Response& response);

}  // namespace ringcache::proxy
