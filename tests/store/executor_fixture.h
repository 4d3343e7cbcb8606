// One client of an executor, without sockets.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/block_pool.h"
#include "protocol/request_parser.h"
#include "store/executor.h"

namespace ringcache::store::testing {

inline constexpr std::int64_t kUnixOffset = 1'700'000'000;

struct TestHost : ExecutorHost {
  void append_stats(StatsKind kind, Seconds now, std::string& out) override {
    asked.push_back(kind);
    out += "STAT now " + std::to_string(now) + "\r\n";
  }
  void reset_stats() override { ++resets; }
  void set_verbosity(std::uint64_t value) override { level = value; }
  SweepControl& sweep() override { return sweep_control; }
  DumpControl& dumps() override { return dump_control; }
  PrefixCounts& prefix_counts() override { return counts; }
  void shut_down() override { ++shutdowns; }
  int shutdowns = 0;
  std::string_view version() const override { return "1.2.3-test"; }

  SweepControl sweep_control{{}};
  DumpControl dump_control;
  PrefixCounts counts{':', false};
  std::vector<StatsKind> asked;
  int resets = 0;
  std::uint64_t level = 0;
};

inline StoreOptions small_store() {
  StoreOptions options;
  options.memory_bytes = 16 * kMiB;
  options.item_bytes_max = 4 * kMiB;
  return options;
}

// One client of one executor, with the loop of a session but without its sockets.
class Conversation {
 public:
  explicit Conversation(const StoreOptions& options = small_store())
      : store(options),
        budget(store.options().memory_bytes),
        executor(store, host, budget, kUnixOffset) {
    executor.set_prefix_counts(host.counts.add_worker());
  }

  // Executes whole requests and returns their answers.
  std::string say(std::string_view bytes) {
    executor.begin_turn(now);
    while (!bytes.empty()) {
      std::size_t consumed = 0;
      const protocol::ParseResult result = parser.parse(bytes, request, consumed);
      bytes.remove_prefix(consumed);
      REQUIRE(result != protocol::ParseResult::kNeedMore);
      if (result == protocol::ParseResult::kInvalid) {
        executor.refuse(request, out);
        bytes.remove_prefix(std::min<std::size_t>(bytes.size(), request.swallow_bytes));
        continue;
      }
      execute(bytes);
    }
    executor.end_turn();
    return take_output();
  }

  // Parses one command line for the calls that say() does not make.
  HashedKey parse(std::string_view line) {
    std::size_t consumed = 0;
    REQUIRE(parser.parse(line, request, consumed) == protocol::ParseResult::kDone);
    return request.keys().empty() ? HashedKey{} : executor.hashed(request.key());
  }

  std::string take_output() {
    std::string text;
    std::array<iovec, 16> pieces;
    while (const std::size_t count = out.gather(pieces)) {
      std::size_t bytes = 0;
      for (std::size_t i = 0; i < count; ++i) {
        text.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
        bytes += pieces[i].iov_len;
      }
      out.consume(bytes);
    }
    return text;
  }

  Store store;
  TestHost host;
  ValueBudget budget;
  net::BlockPool pool;
  Executor executor;
  net::WriteBuffer out{pool};
  protocol::RequestParser parser;
  protocol::Request request;
  Seconds now = kClockStart;

 private:
  void execute(std::string_view& bytes) {
    const HashedKey key = request.keys().empty() ? HashedKey{} : executor.hashed(request.key());
    if (protocol::spec(request.command).has_value) {
      const std::string_view block = bytes.substr(0, std::size_t{request.value_bytes} + 2);
      bytes.remove_prefix(block.size());
      executor.store(request, key, block, out);
    } else if (protocol::spec(request.command).multi_key) {
      CHECK(executor.retrieve(request, 0, SIZE_MAX, out) == request.keys().size());
    } else {
      if (executor.execute(request, key, out) != Executor::Next::kDump) return;
      const auto dump = executor.take_dump();
      while (!executor.continue_dump(*dump, out)) {
      }
    }
  }
};

inline std::string set(const std::string& key, const std::string& value,
                       const std::string& rest = "0 0") {
  return "set " + key + ' ' + rest + ' ' + std::to_string(value.size()) + "\r\n" + value + "\r\n";
}

inline std::string value_line(const std::string& key, const std::string& value) {
  return "VALUE " + key + " 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n";
}

// Not periodic in any power of two, so a piece in the wrong place shows.
inline std::string big_value(std::size_t bytes) {
  std::string value(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) value[i] = static_cast<char>('a' + i % 23);
  return value;
}

// Compares without printing megabytes when they differ.
inline bool same(std::string_view one, std::string_view other) {
  return one == other;
}

}  // namespace ringcache::store::testing
