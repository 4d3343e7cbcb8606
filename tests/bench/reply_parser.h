#pragma once

// Cuts the bytes of a connection into reply lines and value bytes, wherever the pieces in which
// they arrive begin and end. A value is handed on as it comes and never held, so that all the
// connections of a thread can share one read buffer and an idle one costs only the line begun.
//
// Handler, called in the order of the stream; a false stops the parser for good:
//   bool on_line(const ReplyLine&, std::string_view text)   every line; a kValue's bytes follow
//   void on_value_bytes(const char* data, std::size_t size) as often as needed, never empty
//   bool on_value_end()                                     after the value's own line end

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "tests/bench/reply_line.h"

namespace ringcache::bench {

class ReplyParser {
 public:
  /// A longer line is taken for a stream out of step. The longest a server sends is a VALUE line
  /// with a 250-byte key, or an error text.
  static constexpr std::size_t kLineBytesMax = 512;

  /// Consumes all of `data`. False when the stream is malformed or the handler said so.
  template <class Handler>
  bool feed(const char* data, std::size_t size, Handler& handler) {
    const char* const end = data + size;
    while (data != end) {
      const bool good = state_ == State::kLine    ? take_line(data, end, handler)
                        : state_ == State::kValue ? take_value(data, end, handler)
                                                  : take_value_end(data, handler);
      if (!good) return false;
    }
    return true;
  }

  /// True between replies: no line and no value has been begun.
  bool at_boundary() const { return state_ == State::kLine && line_bytes_ == 0; }

 private:
  enum class State : std::uint8_t { kLine, kValue, kValueEnd };

  template <class Handler>
  bool take_line(const char*& data, const char* end, Handler& handler) {
    const auto left = static_cast<std::size_t>(end - data);
    const auto* newline = static_cast<const char*>(std::memchr(data, '\n', left));
    const auto taken = newline == nullptr ? left : static_cast<std::size_t>(newline - data) + 1;
    std::string_view text(data, taken);
    data += taken;
    if (line_bytes_ + taken > kLineBytesMax) return false;
    if (line_bytes_ > 0 || newline == nullptr) {
      std::memcpy(line_ + line_bytes_, text.data(), taken);
      line_bytes_ += taken;
      if (newline == nullptr) return true;
      text = std::string_view(line_, line_bytes_);
      line_bytes_ = 0;
    }
    if (!text.ends_with("\r\n")) return false;
    text.remove_suffix(2);
    const ReplyLine line = parse_reply_line(text);
    if (line.kind == ReplyKind::kMalformed) return false;
    if (line.kind == ReplyKind::kValue) {
      value_left_ = line.value_bytes;
      state_ = value_left_ > 0 ? State::kValue : State::kValueEnd;
    }
    return handler.on_line(line, text);
  }

  template <class Handler>
  bool take_value(const char*& data, const char* end, Handler& handler) {
    const auto left = static_cast<std::size_t>(end - data);
    const std::size_t taken = left < value_left_ ? left : value_left_;
    handler.on_value_bytes(data, taken);
    data += taken;
    value_left_ -= taken;
    if (value_left_ == 0) state_ = State::kValueEnd;
    return true;
  }

  template <class Handler>
  bool take_value_end(const char*& data, Handler& handler) {
    const char expected = value_end_seen_ ? '\n' : '\r';
    if (*data++ != expected) return false;
    value_end_seen_ = !value_end_seen_;
    if (value_end_seen_) return true;
    state_ = State::kLine;
    return handler.on_value_end();
  }

  State state_ = State::kLine;
  bool value_end_seen_ = false;  // the \r of a value's line end has come
  std::size_t value_left_ = 0;
  std::size_t line_bytes_ = 0;
  char line_[kLineBytesMax];
};

}  // namespace ringcache::bench
