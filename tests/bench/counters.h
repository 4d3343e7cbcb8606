#pragma once

// What a thread of the load generator counts. Every counter only grows, so the counts of an
// interval are those at its end minus those at its start. One row of kCounterRows makes a
// counter appear in sums, in the report and in the JSON.

#include <cstdint>
#include <iterator>
#include <string_view>

namespace ringcache::bench {

struct Counters {
  std::uint64_t requests = 0;  // answered, or sent where none is awaited
  std::uint64_t gets = 0;      // requests; a multiget is one
  std::uint64_t sets = 0;
  std::uint64_t keys = 0;    // keys asked for or set
  std::uint64_t hits = 0;    // keys
  std::uint64_t misses = 0;  // keys
  std::uint64_t stored = 0;
  std::uint64_t not_stored = 0;
  std::uint64_t noreply_sets = 0;   // part of sets
  std::uint64_t error_replies = 0;  // ERROR, CLIENT_ERROR, SERVER_ERROR
  std::uint64_t crossed = 0;        // a value of a key that was not asked for
  std::uint64_t wrong_length = 0;
  std::uint64_t wrong_flags = 0;
  std::uint64_t wrong_content = 0;
  std::uint64_t malformed = 0;  // a reply that is none, or not one to this request
  std::uint64_t lost_connections = 0;
  std::uint64_t unanswered = 0;  // sent, no answer by the end
  std::uint64_t unsent = 0;      // due at the fixed rate, not sent by the end
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;

  std::uint64_t wrong() const {
    return crossed + wrong_length + wrong_flags + wrong_content + malformed;
  }
};

struct CounterRow {
  std::string_view name;
  std::uint64_t Counters::*member;
};

inline constexpr CounterRow kCounterRows[] = {
    {"requests", &Counters::requests},
    {"gets", &Counters::gets},
    {"sets", &Counters::sets},
    {"keys", &Counters::keys},
    {"hits", &Counters::hits},
    {"misses", &Counters::misses},
    {"stored", &Counters::stored},
    {"not_stored", &Counters::not_stored},
    {"noreply_sets", &Counters::noreply_sets},
    {"error_replies", &Counters::error_replies},
    {"crossed", &Counters::crossed},
    {"wrong_length", &Counters::wrong_length},
    {"wrong_flags", &Counters::wrong_flags},
    {"wrong_content", &Counters::wrong_content},
    {"malformed", &Counters::malformed},
    {"lost_connections", &Counters::lost_connections},
    {"unanswered", &Counters::unanswered},
    {"unsent", &Counters::unsent},
    {"bytes_read", &Counters::bytes_read},
    {"bytes_written", &Counters::bytes_written},
};
static_assert(sizeof(Counters) == sizeof(std::uint64_t) * std::size(kCounterRows));

inline Counters& operator+=(Counters& left, const Counters& right) {
  for (const CounterRow& row : kCounterRows) left.*row.member += right.*row.member;
  return left;
}

inline Counters operator-(Counters left, const Counters& right) {
  for (const CounterRow& row : kCounterRows) left.*row.member -= right.*row.member;
  return left;
}

}  // namespace ringcache::bench
