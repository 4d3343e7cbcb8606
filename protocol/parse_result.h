// What a parser says about the bytes it was given. Decisions are values; the caller acts.
#pragma once

#include <cstdint>

namespace ringcache::protocol {

enum class ParseResult : std::uint8_t {
  kDone,      // one element was read
  kNeedMore,  // all that is there is good so far, and more bytes are needed
  kInvalid,   // the bytes break the protocol; the output says what to answer
};

}  // namespace ringcache::protocol
