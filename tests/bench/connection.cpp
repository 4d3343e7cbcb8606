#include "tests/bench/connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>

namespace ringcache::bench {
namespace {

// After so many sets without an answer one request with an answer is sent, so that a run of them
// is bounded by the server and not by the buffers between.
constexpr std::size_t kNoreplyRunMax = 64;

}  // namespace

Connection::Connection(int fd, LoadThread& thread, std::uint64_t ordinal, std::uint64_t stride)
    : thread_(thread),
      fd_(fd),
      depth_(thread.workload.options.pipeline),
      keys_per_slot_(thread.workload.options.multiget),
      mask_(std::bit_ceil(std::max(depth_, kPreloadDepth)) - 1),
      pending_(mask_ + 1),
      keys_(pending_.size() * keys_per_slot_),
      next_scheduled_(ordinal),
      schedule_stride_(stride) {
  if (thread.workload.options.cache_aside) refill_.reserve(keys_.size());
}

Connection::~Connection() {
  close(fd_);
}

bool Connection::receive() {
  const ssize_t got = recv(fd_, thread_.read_buffer.data(), thread_.read_buffer.size(), 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  const auto size = static_cast<std::size_t>(got);
  thread_.counters.bytes_read += size;
  const std::uint64_t malformed_before = thread_.counters.malformed;
  if (parser_.feed(thread_.read_buffer.data(), size, *this)) return true;
  if (thread_.counters.malformed == malformed_before) malformed("a line that is no reply");
  return false;
}

bool Connection::pump() {
  for (;;) {
    if (blocked() && !send_unsent()) return false;
    if (blocked()) return true;
    char* const begin = thread_.write_buffer.data();
    char* out = begin;
    while (out < begin + LoadThread::kWriteBytes && may_issue()) out = issue(out);
    if (out == begin) return true;
    if (!send_out(begin, static_cast<std::size_t>(out - begin))) return false;
  }
}

bool Connection::may_issue() {
  const std::size_t outstanding = tail_ - head_;
  if (thread_.mode == LoadMode::kPreload) {
    return outstanding < kPreloadDepth && thread_.preload_next < thread_.preload_end;
  }
  if (outstanding >= depth_) return false;
  if (thread_.mode != LoadMode::kClosed) return due_ > 0 || !refill_.empty();
  if (!refill_.empty() || thread_.workload.options.refill_each) return true;
  if (outstanding == 0 && batch_left_ == 0) batch_left_ = depth_;
  return batch_left_ > 0;
}

// Writes one request. REQUIRES may_issue().
char* Connection::issue(char* out) {
  if (noreply_run_ >= kNoreplyRunMax) {
    push(Kind::kBarrier, thread_.now_ns, 0);
    noreply_run_ = 0;
    return RequestEncoder::barrier(out);
  }
  if (thread_.mode == LoadMode::kPreload) {
    return issue_set(out, thread_.now_ns, static_cast<std::uint32_t>(thread_.preload_next++));
  }
  if (!refill_.empty()) {
    const std::uint32_t index = refill_.back();
    refill_.pop_back();
    return issue_set(out, thread_.now_ns, index);
  }
  const std::uint64_t start_ns = next_start_ns();
  if (thread_.random.unit() < thread_.workload.options.get_share) return issue_get(out, start_ns);
  const std::uint64_t index = thread_.workload.chooser.choose(thread_.random);
  return issue_set(out, start_ns, static_cast<std::uint32_t>(index));
}

// When the next request begins: now, or at the time that the schedule gave it.
std::uint64_t Connection::next_start_ns() {
  if (!thread_.scheduled) {
    if (batch_left_ > 0) --batch_left_;
    return thread_.now_ns;
  }
  --due_;
  const std::uint64_t start_ns = thread_.intended_ns(next_scheduled_);
  next_scheduled_ += schedule_stride_;
  return start_ns;
}

char* Connection::issue_set(char* out, std::uint64_t start_ns, std::uint32_t index) {
  const bool noreply = thread_.workload.options.noreply && thread_.mode != LoadMode::kPreload;
  const std::uint32_t version = thread_.mode == LoadMode::kPreload ? 0 : ++thread_.version;
  if (noreply) {
    ++noreply_run_;
    ++thread_.counters.requests;
    ++thread_.counters.sets;
    ++thread_.counters.keys;
    ++thread_.counters.noreply_sets;
  } else {
    push(Kind::kSet, start_ns, 1);
  }
  return thread_.encoder.set(out, index, version, noreply);
}

char* Connection::issue_get(char* out, std::uint64_t start_ns) {
  std::uint32_t* const keys = keys_of(tail_);
  for (std::size_t i = 0; i < keys_per_slot_; ++i) {
    keys[i] = static_cast<std::uint32_t>(thread_.workload.chooser.choose(thread_.random));
  }
  push(Kind::kGet, start_ns, keys_per_slot_);
  return thread_.encoder.get(out, {keys, keys_per_slot_});
}

void Connection::push(Kind kind, std::uint64_t start_ns, std::size_t keys) {
  const auto count = static_cast<std::uint16_t>(keys);
  pending_[tail_++ & mask_] = {start_ns, count, count, 0, kind};
  ++thread_.outstanding;
  noreply_run_ = 0;
}

bool Connection::send_out(const char* data, std::size_t size) {
  const ssize_t sent = send(fd_, data, size, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
  const auto taken = static_cast<std::size_t>(sent < 0 ? 0 : sent);
  thread_.counters.bytes_written += taken;
  unsent_.assign(data + taken, data + size);
  unsent_begin_ = 0;
  return true;
}

bool Connection::send_unsent() {
  const ssize_t sent =
      send(fd_, unsent_.data() + unsent_begin_, unsent_.size() - unsent_begin_, MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN || errno == EINTR;
  thread_.counters.bytes_written += static_cast<std::uint64_t>(sent);
  unsent_begin_ += static_cast<std::size_t>(sent);
  return true;
}

void Connection::abandon() {
  for (; !empty(); ++head_) {
    ++thread_.counters.unanswered;
    --thread_.outstanding;
    const Kind kind = front().kind;
    if (kind == Kind::kGet) thread_.record(thread_.get_latency, front().start_ns);
    if (kind == Kind::kSet) thread_.record(thread_.set_latency, front().start_ns);
  }
  while (due_ > 0) {
    ++thread_.counters.unsent;
    thread_.record(thread_.get_latency, next_start_ns());
  }
}

}  // namespace ringcache::bench
