#include "tests/bench/replay.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "tests/bench/key_space.h"
#include "tests/bench/reply_parser.h"
#include "tests/bench/value_pattern.h"

namespace ringcache::bench {
namespace {

constexpr std::size_t kKeyBytes = 20;

// One request at a time over a blocking socket, and the check of its answer.
class ReplayClient {
 public:
  ReplayClient(int fd, const std::string& trace_name, ReplayResult& result)
      : fd_(fd), key_space_(kKeyBytes, trace_name.substr(0, 3) + ":"), result_(result) {
    const timeval timeout{10, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  }
  ~ReplayClient() { close(fd_); }
  ReplayClient(const ReplayClient&) = delete;
  ReplayClient& operator=(const ReplayClient&) = delete;

  // True while the connection is good, whatever was answered.
  bool get(const TraceRequest& request, bool& hit) {
    hit_ = false;
    if (!exchange(request, "get " + key(request) + "\r\n", true)) return false;
    hit = hit_;
    ++result_.counters.gets;
    ++(hit ? result_.counters.hits : result_.counters.misses);
    return true;
  }

  bool set(const TraceRequest& request) {
    out_ = "set " + key(request) + " 0 0 " + std::to_string(request.value_bytes) + "\r\n";
    const std::size_t head = out_.size();
    out_.resize(head + request.value_bytes);
    write_value(out_.data() + head, request.value_bytes, request.index, 0);
    out_ += "\r\n";
    ++result_.counters.sets;
    return exchange(request, out_, false);
  }

  bool on_line(const ReplyLine& line, std::string_view text) {
    Counters& counters = result_.counters;
    if (line.kind == ReplyKind::kValue && is_get_ && !hit_) return begin_value(line);
    answered_ = true;
    if (line.kind == ReplyKind::kServerError) {
      ++counters.error_replies;
      note(text);
      return true;
    }
    if (is_get_ && line.kind == ReplyKind::kEnd) return true;
    if (!is_get_ && line.kind == ReplyKind::kStored) return ++counters.stored > 0;
    if (!is_get_ && line.kind == ReplyKind::kNotStored) return ++counters.not_stored > 0;
    ++counters.malformed;
    note(text);
    return false;
  }

  void on_value_bytes(const char* data, std::size_t size) { verifier_.feed(data, size); }

  bool on_value_end() {
    if (verifying_ && !verifier_.complete()) {
      ++result_.counters.wrong_content;
      note("a value with wrong content");
    }
    return true;
  }

 private:
  std::string key(const TraceRequest& request) const {
    std::array<char, kKeyBytes> text;
    key_space_.write(text.data(), request.index);
    return {text.data(), text.size()};
  }

  bool begin_value(const ReplyLine& line) {
    hit_ = true;
    verifying_ = false;
    if (key_space_.parse(line.key) != request_.index) {
      ++result_.counters.crossed;
      note("a value of " + std::string(line.key) + ", which was not asked for");
    } else if (line.value_bytes != request_.value_bytes) {
      ++result_.counters.wrong_length;
      note("a value of wrong length");
    } else {
      verifying_ = true;
    }
    verifier_.begin(request_.index, line.value_bytes);
    return true;
  }

  bool exchange(const TraceRequest& request, const std::string& bytes, bool is_get) {
    request_ = request;
    is_get_ = is_get;
    answered_ = false;
    for (std::size_t sent = 0; sent < bytes.size();) {
      const ssize_t part = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (part < 0) return broken(std::strerror(errno));
      sent += static_cast<std::size_t>(part);
    }
    while (!answered_) {
      const ssize_t got = recv(fd_, in_.data(), in_.size(), 0);
      if (got == 0) return broken("the server closed the connection");
      if (got < 0) return broken(std::strerror(errno));
      if (!parser_.feed(in_.data(), static_cast<std::size_t>(got), *this)) {
        return broken("a reply that is none");
      }
    }
    return true;
  }

  bool broken(const std::string& why) {
    result_.failure = why;
    return false;
  }
  void note(std::string_view what) {
    if (result_.problem.empty()) result_.problem = what;
  }

  const int fd_;
  const KeySpace key_space_;
  ReplayResult& result_;
  TraceRequest request_{};
  bool is_get_ = false;
  bool hit_ = false;
  bool answered_ = false;
  bool verifying_ = false;
  ReplyParser parser_;
  ValueVerifier verifier_;
  std::string out_;
  std::array<char, 64 * 1024> in_;
};

}  // namespace

ReplayResult replay_trace(TraceReader& trace, const Endpoint& server) {
  ReplayResult result;
  const int fd = server.connect();
  if (fd < 0) {
    result.failure = server.text() + ": " + std::strerror(errno);
    return result;
  }
  const auto start = std::chrono::steady_clock::now();
  ReplayClient client(fd, trace.name(), result);
  bool good = true;
  while (good) {
    const auto request = trace.next();
    if (!request) break;
    bool hit = false;
    good = client.get(*request, hit);
    if (good && !hit) good = client.set(*request);
  }
  if (result.failure.empty()) result.failure = trace.error();
  result.counters.requests = result.counters.gets;
  result.counters.keys = result.counters.gets;
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace ringcache::bench
