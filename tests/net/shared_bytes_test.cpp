#include "net/shared_bytes.h"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>

using namespace ringcache::net;

namespace {

std::string text_of(const WriteBuffer& buffer) {
  std::array<iovec, 8> pieces;
  std::string text;
  const std::size_t count = buffer.gather(pieces);
  for (std::size_t i = 0; i < count; ++i) {
    text.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  }
  return text;
}

}  // namespace

TEST_CASE("many buffers send one copy, and the last to let go gives it back") {
  BlockPool pool;
  const std::string value(100'000, 'v');
  WriteBuffer one(pool);
  std::optional<WriteBuffer> two(std::in_place, pool);
  SharedBytes* const shared = SharedBytes::copy_of(value, pool);
  REQUIRE(shared != nullptr);
  const std::size_t copy_bytes = pool.borrowed_bytes();
  one.append("one ");
  shared->append_to(one);
  shared->append_to(*two);
  CHECK(pool.borrowed_bytes() == copy_bytes + 2 * kBlockBytesMin);
  shared->drop();
  CHECK(text_of(one) == "one " + value);
  one.consume(one.bytes());
  CHECK(text_of(*two) == value);
  CHECK(pool.borrowed_bytes() == copy_bytes + kBlockBytesMin);
  two.reset();  // a connection that closes before it has sent them
  CHECK(pool.borrowed_bytes() == 0);
}

TEST_CASE("few bytes are copied; nobody may want them") {
  BlockPool pool;
  WriteBuffer out(pool);
  SharedBytes* const few = SharedBytes::copy_of("few", pool);
  few->append_to(out);
  few->drop();
  CHECK(text_of(out) == "few");
  SharedBytes* const none = SharedBytes::copy_of("", pool);
  CHECK(none->bytes().empty());
  none->drop();
  CHECK(pool.borrowed_bytes() == kBlockBytesMin);
}

TEST_CASE("more than a block holds is not shared") {
  BlockPool pool;
  const std::string value(kBlockBytesMax, 'v');
  CHECK(SharedBytes::copy_of(value, pool) == nullptr);
  CHECK(pool.borrowed_bytes() == 0);
}
