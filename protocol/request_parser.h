// Client bytes -> Request, one command line per call.
//
// One RequestParser per connection: it remembers only whether a long multiget or a refused line is
// under way. No I/O, no heap, no clock; one thread at a time.
//
// The data block of a storage command is not parsed: after kDone for a command with
// spec(command).has_value the next value_bytes + 2 bytes are its data block, and the caller reads
// (or streams) them and checks the CRLF. The next parse() starts after it.
//
// What is a line, a word, a number and an error is memcached 1.6.18's, byte for byte;
// docs/protocol.md lists the few places where we differ and why. Three of them show here:
//  - a line longer than kCommandLineBytesMax is refused whether or not it arrived in one piece
//    (memcached refuses it only if it did not), so the answer never depends on packet boundaries;
//  - the data block of a refused storage command is swallowed when its length could be read;
//  - a multiget longer than that line is streamed in bounded memory; memcached holds all of it.
//
// Source: memcached doc/protocol.txt, sections "Commands" and "Error strings".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/command.h"
#include "protocol/parse_result.h"
#include "protocol/request.h"

namespace ringcache::protocol {

class RequestParser {
 public:
  // Reads one command line from the front of `bytes`, which is all that is buffered and starts
  // where the last call's consumed_bytes (and the data block after it) ended.
  //
  // Whatever the result, drop consumed_bytes from the front before the next call; also kNeedMore
  // can consume (the rest of a refused line). A call that returns kDone or kInvalid without
  // request.close always consumes at least one byte, so a loop over parse() ends.
  //
  //   kDone      `request` is one command, or a part of a multiget (first_keys, more_keys).
  //   kNeedMore  A buffer of kCommandLineBytesMax + 1 bytes is always enough to get on.
  //   kInvalid   request.error, .quiet, .swallow_bytes and .close say what to do. If
  //              request.first_keys is false, the error takes the place of the END of a multiget
  //              some parts of which were delivered; the rest of its line is skipped by the next
  //              calls. `request.command` is set when the command could be told.
  ParseResult parse(std::string_view bytes, Request& request, std::size_t& consumed_bytes);

  // Most keys of one part of a multiget: 1 to kMultigetKeysPerRequest, which it is without this.
  void set_multiget_keys_max(std::size_t keys_max) {
    keys_max_ = static_cast<std::uint16_t>(keys_max);
  }

  // No command is half read. False while a multiget or a refused line is under way.
  bool at_line_start() const { return state_ == State::kLineStart; }

 private:
  enum class State : std::uint8_t {
    kLineStart,  // the next byte starts a command
    kKeys,       // inside a multiget, at a space or the start of a key
    kKeysEnd,    // the keys are over (an embedded NUL), the newline is not there yet
    kSkipLine,   // inside a refused line: drop all up to its newline
  };

  ParseResult parse_line(std::string_view bytes, Request& request, std::size_t& consumed_bytes);
  // A whole line of a retrieval command: `text` without line ending, `keys_at` where its keys (or
  // its exptime) start in it.
  ParseResult parse_retrieval(std::string_view text, std::size_t keys_at, Request& request,
                              std::size_t& consumed_bytes);
  // More than kCommandLineBytesMax bytes without a newline.
  ParseResult start_long_line(std::string_view bytes, Request& request,
                              std::size_t& consumed_bytes);
  // State kKeys: as many further keys as are there and fit.
  ParseResult continue_keys(std::string_view bytes, Request& request, std::size_t& consumed_bytes);
  // The newline of a multiget was read, or (at_newline false) only a part of its keys.
  ParseResult deliver_keys(bool at_newline, Request& request);

  // Small: each idle connection has one.
  State state_ = State::kLineStart;
  bool first_line_ = true;
  bool first_keys_ = true;           // nothing of the multiget under way was delivered
  Command command_ = Command::kGet;  // of the multiget under way
  std::uint16_t keys_max_ = kMultigetKeysPerRequest;
  std::int64_t exptime_s_ = 0;  // the same
};

}  // namespace ringcache::protocol
