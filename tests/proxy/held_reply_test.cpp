#include "proxy/held_reply.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace ringcache::proxy {

namespace {
std::string gathered(const net::WriteBuffer& buffer) {
  std::array<iovec, 64> pieces;
  std::string text;
  for (std::size_t i = 0; i < buffer.gather(pieces); ++i) {
    text.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  }
  return text;
}
}  // namespace

TEST_CASE("an answer comes out as it was held, small or large, in any portions") {
  net::BlockPool pool;
  for (const std::size_t portion : {std::size_t{1}, std::size_t{100}, std::size_t{5000}}) {
    HeldReply reply(pool);
    net::WriteBuffer out(pool);
    std::string expected = "before";
    out.append(expected);
    CHECK(reply.empty());
    for (char c = 'a'; c <= 'z'; ++c) {
      expected.append(portion, c);
      reply.append(std::string(portion, c));
    }
    CHECK(reply.bytes() == 26 * portion);
    reply.move_to(out);
    CHECK(reply.empty());
    out.append("after");
    CHECK(gathered(out) == expected + "after");
  }
}

TEST_CASE("an answer that nobody wants gives its memory back") {
  net::BlockPool pool;
  HeldReply reply(pool);
  reply.append(std::string(100'000, 'x'));
  CHECK(pool.borrowed_bytes() > 0);
  reply.clear();
  CHECK(reply.empty());
  CHECK(pool.borrowed_bytes() == 0);
}

}  // namespace ringcache::proxy
