#pragma once

// One connection of the load generator: the requests that await an answer, in order, and the
// check of each answer against the request at the head. Buffers are the thread's; a connection
// keeps only the beginning of a line and what a full socket did not take. Nothing is allocated
// per request. Used by its thread alone; owns the socket.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tests/bench/load_thread.h"
#include "tests/bench/reply_parser.h"
#include "tests/bench/value_pattern.h"

namespace ringcache::bench {

class Connection {
 public:
  /// Requests without an answer during the preload, where `pipeline` is less.
  static constexpr std::size_t kPreloadDepth = 16;

  /// `ordinal` of `stride`: at a fixed rate it takes the requests ordinal, ordinal + stride, ...
  Connection(int fd, LoadThread& thread, std::uint64_t ordinal, std::uint64_t stride);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int fd() const { return fd_; }

  /// Reads once and checks every reply that has come. False: the connection is of no more use.
  bool receive();

  /// Sends what may be sent now. False: the connection is of no more use.
  bool pump();

  /// The socket was full: call pump() when it is writable.
  bool blocked() const { return unsent_begin_ < unsent_.size(); }

  /// One more of its scheduled requests is due. True if it was the first to wait.
  bool add_due() { return due_++ == 0; }

  /// Counts what has not been sent or answered, at the end of a run or when the server is gone.
  void abandon();

  // The parser's handler.
  bool on_line(const ReplyLine& line, std::string_view text);
  void on_value_bytes(const char* data, std::size_t size);
  bool on_value_end();

 private:
  // Stands for a key of a request that has been answered; indices are below it.
  static constexpr std::uint32_t kAnswered = 0xffffffff;

  enum class Kind : std::uint8_t { kGet, kSet, kBarrier };
  struct Pending {
    std::uint64_t start_ns;
    std::uint16_t keys;       // asked for
    std::uint16_t keys_left;  // not answered yet
    std::uint16_t cursor;     // where to look first for the next key
    Kind kind;
  };

  bool empty() const { return head_ == tail_; }
  Pending& front() { return pending_[head_ & mask_]; }
  std::uint32_t* keys_of(std::size_t slot) { return &keys_[(slot & mask_) * keys_per_slot_]; }

  bool may_issue();
  char* issue(char* out);
  std::uint64_t next_start_ns();
  char* issue_set(char* out, std::uint64_t start_ns, std::uint32_t index);
  char* issue_get(char* out, std::uint64_t start_ns);
  void push(Kind kind, std::uint64_t start_ns, std::size_t keys);
  bool send_out(const char* data, std::size_t size);
  bool send_unsent();

  void begin_value(const ReplyLine& line);
  bool take_key(std::string_view key, std::uint32_t& index);
  bool ends_request(const ReplyLine& line, const Pending& request) const;
  void finish();
  void finish_get(const Pending& request);
  bool malformed(std::string_view text);

  LoadThread& thread_;
  const int fd_;
  const std::size_t depth_;
  const std::size_t keys_per_slot_;
  const std::size_t mask_;
  std::vector<Pending> pending_;     // a ring of mask_ + 1 slots
  std::vector<std::uint32_t> keys_;  // keys_per_slot_ for each slot
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
  std::vector<std::uint32_t> refill_;  // keys to set because a get missed them
  std::size_t batch_left_ = 0;         // still to be sent of the current batch
  std::size_t noreply_run_ = 0;        // sets sent since something had an answer
  std::uint64_t due_ = 0;              // scheduled requests whose time has come
  std::uint64_t next_scheduled_;
  const std::uint64_t schedule_stride_;
  std::vector<char> unsent_;
  std::size_t unsent_begin_ = 0;
  ReplyParser parser_;
  ValueVerifier verifier_;
  bool verifying_ = false;  // the value being read is still believed to be right
};

}  // namespace ringcache::bench
