// ReplicaReads' repairs: copies for the nodes that had not got a key which another one has.
#include <algorithm>
#include <ctime>
#include <optional>

#include "net/worker.h"
#include "protocol/append.h"
#include "protocol/limits.h"
#include "protocol/number.h"
#include "protocol/response.h"
#include "proxy/proxy_worker.h"
#include "proxy/replica_reads.h"

namespace ringcache::proxy {

using protocol::Command;
using protocol::Response;
using protocol::ResponseStatus;

namespace {

// Longer ones are Unix times in a storage command ("Expiration times").
constexpr std::int64_t kRelativeTtlMax = std::int64_t{60} * 60 * 24 * 30;
// What a command has beside its key: its name, flags, numbers of 20 digits.
constexpr std::size_t kLineRestBytesMax = 128;

// What follows the letter of a flag; empty: it is not there.
std::string_view flag_of(const Response& response, char letter) {
  std::string_view flags = response.meta_flags;
  while (!flags.empty()) {
    const std::string_view word = flags.substr(0, flags.find(' '));
    flags.remove_prefix(std::min(flags.size(), word.size() + 1));
    if (word.starts_with(letter)) return word.substr(1);
  }
  return {};
}

// -1: never; nothing: it is not said, or runs out just now.
std::optional<std::int64_t> ttl_of(const Response& response) {
  std::int64_t ttl_s = 0;
  if (!protocol::parse_signed(flag_of(response, 't'), ttl_s) || ttl_s == 0) return std::nullopt;
  return ttl_s;
}

char* append_number(char* at, std::string_view before, std::uint64_t number) {
  return protocol::format_number(protocol::append(at, before), number);
}

}  // namespace

void ReplicaReads::repair(const ReplicaRead& read, const Response& response) {
  const auto ttl_s = ttl_of(response);
  const WriteEpochs& epochs = worker_.epochs();
  const bool unwritten =
      epochs.of(read.key_hash) == read.epoch && epochs.settled(read.key_hash, read.epoch);
  if (!ttl_s || !unwritten || read.generation != worker_.table().generation()) return;
  std::int64_t exptime_s = std::max<std::int64_t>(*ttl_s, 0);
  if (exptime_s > kRelativeTtlMax) exptime_s += static_cast<std::int64_t>(std::time(nullptr));
  for (std::size_t i = 0; i < read.without_count; ++i) {
    char* const line = worker_.line_buffer(read.key.size() + kLineRestBytesMax);
    char* end = protocol::append(protocol::append(line, "ms "), read.key);
    end = append_number(end, " ", response.value.size());
    end = append_number(end, " F", response.client_flags);
    end = append_number(end, " T", static_cast<std::uint64_t>(exptime_s));
    end = protocol::append(end, " ME c\r\n");
    ReplicaRead& repair = take_free();
    repair.is_repair = true;
    repair.generation = read.generation;
    repair.pool = read.pool;
    repair.without[0] = read.without[i];
    repair.client_number = read.client_number;
    repair.key.assign(read.key);
    repair.key_hash = read.key_hash;
    repair.epoch = read.epoch;
    InFlight entry{.command = Command::kMetaSet, .shadow = true, .replica = &repair};
    Upstream& upstream = worker_.upstreams().get({read.pool, read.without[i]}, read.client_number);
    const auto failure = upstream.send(entry, {line, static_cast<std::size_t>(end - line)},
                                       {response.value, protocol::kCrlf});
    if (failure) {
      ReplicaReads::end(entry);
    } else {
      worker_.pool_counters(read.pool).replica_repairs.add();
    }
  }
}

// Deletes what was stored, and nothing newer, if a write may have been there before it.
void ReplicaReads::finish_repair(InFlight& entry, const Response& response) {
  const ReplicaRead& repair = *entry.replica;
  const bool overtaken = worker_.epochs().of(repair.key_hash) != repair.epoch;
  const std::string_view cas = flag_of(response, 'c');
  const bool stored = response.status == ResponseStatus::kMetaHit;
  std::uint64_t number = 0;
  const bool delete_it = stored && overtaken && protocol::parse_unsigned(cas, number) &&
                         repair.generation == worker_.table().generation();
  if (delete_it) {
    char* const line = worker_.line_buffer(repair.key.size() + kLineRestBytesMax);
    char* end = protocol::append(protocol::append(line, "md "), repair.key);
    end = protocol::append(append_number(end, " C", number), protocol::kCrlf);
    Upstream& upstream =
        worker_.upstreams().get({repair.pool, repair.without[0]}, repair.client_number);
    ReplicaReads::end(entry);
    const InFlight deleting{.command = Command::kMetaDelete, .shadow = true};
    static_cast<void>(upstream.send(deleting, {line, static_cast<std::size_t>(end - line)}));
    return;
  }
  ReplicaReads::end(entry);
}

}  // namespace ringcache::proxy
