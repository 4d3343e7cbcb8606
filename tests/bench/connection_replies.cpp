// The half of Connection that checks replies; connection.cpp has the half that sends requests.

#include <algorithm>
#include <string>

#include "tests/bench/connection.h"

namespace ringcache::bench {

bool Connection::on_line(const ReplyLine& line, std::string_view text) {
  if (empty()) return malformed("a reply to nothing: " + std::string(text));
  Pending& request = front();
  if (line.kind == ReplyKind::kValue) {
    if (request.kind != Kind::kGet) return malformed("a value in reply to no get");
    begin_value(line);
    return true;
  }
  if (line.kind == ReplyKind::kServerError) {
    ++thread_.counters.error_replies;
    thread_.note(text);
    // Of a quiet meta multiget each key can fail on its own; mn still comes.
    const bool more_follows = thread_.workload.options.meta && request.keys > 1;
    if (!more_follows) finish();
    return true;
  }
  if (!ends_request(line, request)) return malformed("out of step: " + std::string(text));
  if (line.kind == ReplyKind::kStored) ++thread_.counters.stored;
  if (line.kind == ReplyKind::kNotStored) ++thread_.counters.not_stored;
  if (request.kind == Kind::kGet) finish_get(request);
  finish();
  return true;
}

bool Connection::ends_request(const ReplyLine& line, const Pending& request) const {
  const bool meta = thread_.workload.options.meta;
  switch (request.kind) {
    case Kind::kBarrier:
      return line.kind == ReplyKind::kVersion;
    case Kind::kSet:
      return line.kind == ReplyKind::kStored || line.kind == ReplyKind::kNotStored;
    case Kind::kGet:
      if (!meta) return line.kind == ReplyKind::kEnd;
      return line.kind == (request.keys > 1 ? ReplyKind::kNoop : ReplyKind::kMiss);
  }
  return false;
}

void Connection::begin_value(const ReplyLine& line) {
  Counters& counters = thread_.counters;
  std::uint32_t index = 0;
  verifying_ = false;
  if (!take_key(line.key, index)) {
    ++counters.crossed;
    thread_.note("a value of " + std::string(line.key) + ", which was not asked for");
    return;
  }
  const std::size_t expected = thread_.workload.sizes.of(index);
  if (line.value_bytes != expected) {
    ++counters.wrong_length;
    thread_.note(std::string(line.key) + ": " + std::to_string(line.value_bytes) +
                 " bytes instead of " + std::to_string(expected));
    return;
  }
  if (line.client_flags != thread_.workload.client_flags_of(index)) {
    ++counters.wrong_flags;
    thread_.note(std::string(line.key) + ": wrong client flags");
    return;
  }
  verifying_ = true;
  verifier_.begin(index, expected);
}

// Finds `key` among those that the request at the head still waits for, and strikes it off. A
// proxy may answer in another order than asked, so the search goes once around.
bool Connection::take_key(std::string_view key, std::uint32_t& index) {
  const auto parsed = thread_.workload.key_space.parse(key);
  if (!parsed || *parsed >= thread_.workload.options.keys) return false;
  index = static_cast<std::uint32_t>(*parsed);
  Pending& request = front();
  std::uint32_t* const begin = keys_of(head_);
  std::uint32_t* const end = begin + request.keys;
  std::uint32_t* found = std::find(begin + request.cursor, end, index);
  if (found == end) found = std::find(begin, end, index);
  if (found == end) return false;
  *found = kAnswered;
  --request.keys_left;
  request.cursor = static_cast<std::uint16_t>((found - begin + 1) % request.keys);
  return true;
}

void Connection::on_value_bytes(const char* data, std::size_t size) {
  if (verifying_) verifier_.feed(data, size);
}

bool Connection::on_value_end() {
  if (verifying_ && !verifier_.complete()) {
    ++thread_.counters.wrong_content;
    thread_.note("a value with wrong content");
  }
  // A meta get of one key has no line after its value.
  if (thread_.workload.options.meta && front().keys == 1) {
    finish_get(front());
    finish();
  }
  return true;
}

void Connection::finish_get(const Pending& request) {
  thread_.counters.hits += request.keys - request.keys_left;
  thread_.counters.misses += request.keys_left;
  if (!thread_.workload.options.cache_aside || request.keys_left == 0) return;
  const std::uint32_t* const keys = keys_of(head_);
  std::copy_if(keys, keys + request.keys, std::back_inserter(refill_),
               [](std::uint32_t index) { return index != kAnswered; });
}

// The request at the head has its whole answer.
void Connection::finish() {
  const Pending request = front();
  ++head_;
  --thread_.outstanding;
  if (request.kind == Kind::kBarrier) return;
  Counters& counters = thread_.counters;
  ++counters.requests;
  counters.keys += request.keys;
  const bool get = request.kind == Kind::kGet;
  ++(get ? counters.gets : counters.sets);
  thread_.record(get ? thread_.get_latency : thread_.set_latency, request.start_ns);
}

bool Connection::malformed(std::string_view text) {
  ++thread_.counters.malformed;
  thread_.note(text);
  return false;
}

}  // namespace ringcache::bench
