// Executes parsed requests against the store and writes their answers: the only place that knows
// both the protocol and the store. One per worker; the worker's thread only.
//
//   begin_turn(now)
//     execute / retrieve / store / start_store / finish_store, for every request that is there
//   end_turn()
//
// A turn is one batch of the store (store.h), so it must not wait for anything: requests and output
// are memory, the sockets are read before and written after. The answers are memcached 1.6.18's,
// byte for byte; docs/protocol.md has the few exceptions.
//
// Nothing here allocates in steady state, but `stats`. When the output runs out of memory its
// failed() turns true and the connection closes itself; the executor does not look.
//
// Requests are not kept: their views die with the input. What a value that is still arriving needs
// later is in PendingStore.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "net/counter.h"
#include "net/write_buffer.h"
#include "protocol/binary_request_parser.h"
#include "protocol/binary_response_writer.h"
#include "protocol/request.h"
#include "protocol/response.h"
#include "protocol/response_writer.h"
#include "store/executor_dump.h"
#include "store/executor_host.h"
#include "store/executor_values.h"
#include "store/node_watch_log.h"
#include "store/prefix_counts.h"
#include "store/store.h"

namespace ringcache::store {

// A storage command whose data block is still arriving: where the value goes, and what to do with
// it then. Reused: start_store sets every field.
struct PendingStore {
  Reservation reservation;
  std::size_t reserved_bytes = 0;  // taken from the ValueBudget
  StoreOperands operands;
  protocol::Command command = protocol::Command::kSet;
  bool quiet = false;
  ItemAttributes attributes;  // for watchers
  // For the answer to an ms, and for watchers.
  bool key_is_base64 = false;
  std::uint8_t key_bytes = 0;
  std::array<char, kKeyBytesMax> key;
  protocol::SavedMetaFlags meta_flags;
  protocol::BinaryAnswer binary;  // of the binary protocol

  std::string_view key_view() const { return {key.data(), key_bytes}; }
};

// Commands that are restricted for all clients of the node.
struct CommandRules {
  // Without (-C): every item says cas 0, and a cas number that is compared fits none.
  bool cas = true;
  // Without (-F): refused.
  bool flush_all = true;
  // Without (-X): keys are not listed.
  bool dump = true;
  // With (-A): `shutdown` ends the process.
  bool shutdown = false;
};

class Executor {
 public:
  // kWatch: the connection asks to be a watcher; nothing is answered yet. kDump: take_dump() is to
  // be written to it, piece by piece, before anything else is executed.
  enum class Next : std::uint8_t { kContinue, kClose, kWatch, kDump };
  static constexpr std::size_t kRefused = SIZE_MAX;

  // All must outlive the executor. `unix_offset` as for expiry_from_wire.
  Executor(Store& store, ExecutorHost& host, ValueBudget& budget, std::int64_t unix_offset);

  // Before the first turn.
  void set_rules(const CommandRules& rules) { rules_ = rules; }

  // --- the turn ---

  // `client_fd`: whose requests they are, for watchers.
  void begin_turn(Seconds now, int client_fd = -1);
  void end_turn();

  // Interrupts the turn for something that may wait, as a lock or a log line may, which nothing
  // inside a batch must. REQUIRES a turn, and that nothing of the store is held.
  template <typename Call>
  void outside_batch(Call call) {
    thread_.end_batch();
    call();
    thread_.begin_batch();
  }

  // Hashes the key of a request that will be executed in this turn and starts loading what it will
  // need: prefetch for all first, then prefetch_item for all, then execute them.
  HashedKey hashed(std::string_view key) const { return store_.hashed(key); }
  void prefetch(const HashedKey& key) const { thread_.prefetch(key); }
  void prefetch_item(const HashedKey& key) const { thread_.prefetch_item(key); }

  // --- requests; REQUIRES a turn ---

  // get, gets, gat, gats: answers the keys from `first_key` on, until all are answered or the
  // output holds more than `output_bytes_max`, and returns how many of the request's keys are
  // answered now. Writes the END of the last part of a multiget together with its last key.
  // kRefused: there was no memory for a value; the error that takes the place of the END is written
  // and the request's other keys, of later parts too, are to be dropped.
  std::size_t retrieve(const protocol::Request& request, std::size_t first_key,
                       std::size_t output_bytes_max, net::WriteBuffer& out);

  // Any other command without a data block, but for refresh_certs, which is the session's. `key` is
  // hashed(request.key()) for commands with a key.
  Next execute(const protocol::Request& request, const HashedKey& key, net::WriteBuffer& out);

  // After kDump.
  std::unique_ptr<Dump> take_dump() { return std::move(dump_); }
  // Writes the next piece; true: it was the last one.
  bool continue_dump(Dump& dump, net::WriteBuffer& out) {
    bool done = false;
    outside_batch([&] { done = dump.write_piece(store_, now_, out); });
    return done;
  }

  // A storage command whose data block is there: value_bytes and two more.
  void store(const protocol::Request& request, const HashedKey& key, std::string_view block,
             net::WriteBuffer& out);

  // A storage command whose data block is still to come. True: fill pending.reservation, then
  // finish_store. False: it was refused and answered; the data block is to be dropped.
  [[nodiscard]] bool start_store(const protocol::Request& request, const HashedKey& key,
                                 PendingStore& pending, net::WriteBuffer& out);
  // The value is complete. `good_end`: CRLF followed it.
  void finish_store(PendingStore& pending, bool good_end, net::WriteBuffer& out);
  // The rest will not come: the connection is gone. Needs no turn.
  void abandon_store(PendingStore& pending);

  // --- the same for the binary protocol (executor_binary.cpp); REQUIRES a turn ---

  // A command without a value. `key` is hashed(request.key) for commands with a key. `scratch` is
  // empty, and empty again afterwards.
  Next execute(const protocol::BinaryRequest& request, const HashedKey& key, net::WriteBuffer& out,
               net::WriteBuffer& scratch);
  // A storage command whose value is there, or still to come: as above, without the CRLFs.
  void store(const protocol::BinaryRequest& request, const HashedKey& key, std::string_view value,
             net::WriteBuffer& out);
  [[nodiscard]] bool start_store(const protocol::BinaryRequest& request, const HashedKey& key,
                                 PendingStore& pending, net::WriteBuffer& out);
  void finish_binary_store(PendingStore& pending, net::WriteBuffer& out);
  // The answer to a packet that the parser refused, if it has one.
  static void answer_status(const protocol::BinaryAnswer& answer, protocol::BinaryStatus status,
                            net::WriteBuffer& out, std::uint64_t cas = 0);

  // The answer to a line that the parser refused.
  void refuse(const protocol::Request& request, net::WriteBuffer& out);

  // Where keys are counted by prefix; without, they are not. Before the first turn.
  void set_prefix_counts(PrefixCounts::Table& table) { prefix_counts_ = &table; }

  // --- watchers (node_watchers.h) ---

  // Where events go; without, none are made. Before the first turn.
  void set_watch_log(WatchLog& log) { watch_log_ = &log; }
  // The classes that somebody watches. Set by any thread, while there is a log.
  std::atomic<WatchClasses>& watched() { return watched_; }
  bool is_watched(WatchClasses classes) const {
    return (watched_.load(std::memory_order_relaxed) & classes) != 0;
  }

  // Counted since the start; any thread may read them.
  const net::Counter& meta_commands() const { return meta_commands_; }
  // Storage commands refused because too many values were arriving already.
  const net::Counter& uploads_refused() const { return uploads_refused_; }
  // Reads refused because too many copies of values were waiting for clients already.
  const net::Counter& reads_refused() const { return reads_refused_; }

 private:
  // What an answer to a storage command needs, whether its request is still there or not.
  struct StoreReply {
    protocol::Command command;
    bool quiet;
    std::string_view key;
    bool key_is_base64;
    protocol::MetaReplyFlags meta_flags;
  };

  ItemAttributes attributes_of(const protocol::Request& request) const;
  StoreOperands operands_of(const protocol::Request& request) const;
  static StoreReply reply_of(const protocol::Request& request);
  static StoreReply reply_of(const PendingStore& pending);
  void answer_store(const StoreReply& reply, const StoreResult& result, net::WriteBuffer& out);
  void answer_store_error(const StoreReply& reply, std::string_view text, net::WriteBuffer& out);
  void refuse_store(const protocol::Request& request, StoreStatus status, const HashedKey& key,
                    net::WriteBuffer& out);

  // One line of text and CRLF.
  static void write_line(net::WriteBuffer& out, std::string_view text);
  bool write_value(const ItemView& item, bool with_cas, net::WriteBuffer& out);
  void refuse_read(net::WriteBuffer& out);
  void remove(const protocol::Request& request, const HashedKey& key, net::WriteBuffer& out);
  void arithmetic(const protocol::Request& request, const HashedKey& key, net::WriteBuffer& out);
  void touch(const protocol::Request& request, const HashedKey& key, net::WriteBuffer& out);
  std::uint64_t shown_cas(std::uint64_t cas) const { return rules_.cas ? cas : 0; }
  // Of md and ma. Without cas every item has 0, so 0 fits.
  bool compares_cas(const protocol::MetaFlags& flags) const {
    return flags.has('C') && (rules_.cas || flags.compare_cas != 0);
  }
  void flush_all(const protocol::Request& request, net::WriteBuffer& out);
  void flush_after(std::int64_t delay_s);
  void verbosity(const protocol::Request& request, net::WriteBuffer& out);

  // executor_admin.cpp; the string views are the answers
  void administer(const protocol::Request& request, net::WriteBuffer& out);
  std::string_view lru(std::span<const std::string_view> words);
  std::string_view slabs(std::span<const std::string_view> words);
  std::string_view memory_limit(std::span<const std::string_view> words);
  Next shut_down(const protocol::Request& request, net::WriteBuffer& out);

  // executor_crawler.cpp
  Next crawler(const protocol::Request& request, net::WriteBuffer& out);
  std::string_view crawl(std::string_view classes);
  std::string_view dump(DumpOrder::Format format, std::string_view classes);
  // Empty, or why not.
  std::string_view start_dump(DumpOrder order, std::string_view busy);

  // executor_stats.cpp
  Next stats(const protocol::Request& request, net::WriteBuffer& out);
  void stats_of_host(StatsKind kind, net::WriteBuffer& out);
  Next stats_detail(std::string_view word, net::WriteBuffer& out);
  Next stats_sizes(std::string_view word, net::WriteBuffer& out);
  Next stats_cachedump(std::span<const std::string_view> words, net::WriteBuffer& out);
  bool counts_prefixes() const { return prefix_counts_ != nullptr && prefix_counts_->enabled(); }
  void count_prefix(std::string_view key, PrefixCounts::Event event) {
    if (counts_prefixes()) [[unlikely]]
      prefix_counts_->count(key, event);
  }
  void count_get(std::string_view key, bool hit) {
    count_prefix(key, hit ? PrefixCounts::Event::kHit : PrefixCounts::Event::kMiss);
  }

  // executor_meta.cpp
  void meta_get(const protocol::Request& request, const HashedKey& key, net::WriteBuffer& out);
  void meta_remove(const protocol::Request& request, const HashedKey& key, net::WriteBuffer& out);
  void meta_arithmetic(const protocol::Request& request, const HashedKey& key,
                       net::WriteBuffer& out);
  void meta_debug(const protocol::Request& request, const HashedKey& key, net::WriteBuffer& out);
  void answer_meta_store(const StoreReply& reply, const StoreResult& result, net::WriteBuffer& out);

  // executor_binary.cpp
  void binary_get(const protocol::BinaryRequest& request, const HashedKey& key,
                  net::WriteBuffer& out);
  void write_hit(const protocol::BinaryRequest& request, const ItemView& item,
                 net::WriteBuffer& out);
  void binary_remove(const protocol::BinaryRequest& request, const HashedKey& key,
                     net::WriteBuffer& out);
  void binary_arithmetic(const protocol::BinaryRequest& request, const HashedKey& key,
                         net::WriteBuffer& out);
  void binary_flush(const protocol::BinaryRequest& request, net::WriteBuffer& out);
  void binary_stat(const protocol::BinaryRequest& request, net::WriteBuffer& out,
                   net::WriteBuffer& scratch);
  StoreOperands operands_of(const protocol::BinaryRequest& request) const;
  ItemAttributes attributes_of(const protocol::BinaryRequest& request) const;
  void refuse_store(const protocol::BinaryRequest& request, StoreStatus status,
                    const HashedKey& key, net::WriteBuffer& out);
  void answer_store(const protocol::BinaryAnswer& answer, const StoreResult& result, bool compared,
                    net::WriteBuffer& out);

  // executor_watch.cpp
  void watch_fetch(const HashedKey& key) { watch_fetch(key, thread_.peek(key, now_)); }
  void watch_fetch(const HashedKey& key, const PeekResult& found);
  void watch_request(const protocol::Request& request, const HashedKey& key);
  // A store that was decided; `before` is what was under the key.
  void watch_store(const HashedKey& key, const PeekResult& before, const StoreOperands& operands,
                   const ItemAttributes& attributes, std::size_t value_bytes, StoreStatus status);
  void watch_refusal(const StoreOperands& operands, const HashedKey& key, StoreStatus status,
                     bool discards);
  void watch_created(const HashedKey& key);
  void watch_deletion(const HashedKey& key, const DeleteResult& result, bool by_meta);

  Seconds expiry(std::int64_t exptime_s) const {
    return expiry_from_wire(exptime_s, now_, unix_offset_);
  }
  // The expiry of an item after the first `count` flags of the line: each T sets it where it
  // stands, and so does each N if the item is `created` by this request.
  Seconds expiry_after(const protocol::MetaFlags& flags, std::size_t count, Seconds before,
                       bool created) const;
  // t: the seconds left, as of its place on the line. -1 if it was not asked for.
  std::int64_t ttl_asked(const protocol::MetaFlags& flags, Seconds before, bool created) const;

  // Greater than any that an item gets by itself.
  static constexpr std::uint64_t kCasOfNoItem = UINT64_MAX;

  Store& store_;
  ExecutorHost& host_;
  ValueBudget& budget_;
  const std::int64_t unix_offset_;
  StoreThread thread_;
  PinPool pins_;
  CommandRules rules_;
  Seconds now_ = kClockStart;
  int client_fd_ = -1;
  std::atomic<WatchClasses> watched_{0};  // beside what every command reads
  WatchLog* watch_log_ = nullptr;
  PrefixCounts::Table* prefix_counts_ = nullptr;
  std::unique_ptr<Dump> dump_;  // until take_dump
  net::Counter meta_commands_;
  net::Counter uploads_refused_;
  net::Counter reads_refused_;
};

}  // namespace ringcache::store
