// ResponseParser on any bytes. Input: one byte for the kind of reply and the largest value, one
// that says how to cut the stream, then the stream. Checked: cut or not, the same elements; what
// response_parser.h promises (see transcript.h), among it that it never asks for more than the
// largest value and a line.
#include <array>
#include <cstdint>
#include <string_view>

#include "protocol/response_parser.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/split_bytes.h"
#include "tests/protocol/transcript.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using ringcache::protocol::ReplyKind;
  using ringcache::test::fuzz_check;
  using ringcache::test::transcribe_replies;
  using ringcache::test::Transcript;
  constexpr std::array<ReplyKind, 4> kKinds{ReplyKind::kLine, ReplyKind::kValues, ReplyKind::kMeta,
                                            ReplyKind::kStats};
  constexpr std::array<std::size_t, 4> kValueBytesMax{0, 10, 1000, 1024 * 1024};
  if (size < 2) return 0;
  const ReplyKind kind = kKinds[data[0] & 3];
  const std::size_t value_bytes_max = kValueBytesMax[data[0] >> 2 & 3];
  const std::string_view stream(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Transcript whole = transcribe_replies({stream}, kind, value_bytes_max);
  const Transcript cut =
      transcribe_replies(ringcache::test::split_bytes(stream, data[1]), kind, value_bytes_max);
  fuzz_check(whole.broken_promise.empty(), whole.broken_promise);
  fuzz_check(cut.broken_promise.empty(), cut.broken_promise);
  fuzz_check(whole.lines == cut.lines, "another split, other elements");
  return 0;
}
