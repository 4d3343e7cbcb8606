#include "proxy/held_reply.h"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>

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

void arrive(net::ReadBuffer& in, std::string_view text) {
  REQUIRE(in.ensure(text.size()));
  const auto room = in.prepare();
  REQUIRE(room.size() == 1);
  REQUIRE(room[0].iov_len >= text.size());
  std::memcpy(room[0].iov_base, text.data(), text.size());
  in.commit(text.size());
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
      reply.append({std::string(portion, c)});
    }
    CHECK(reply.bytes() == 26 * portion);
    reply.move_to(out);
    CHECK(reply.empty());
    out.append("after");
    CHECK(gathered(out) == expected + "after");
  }
}

TEST_CASE("large bytes at the front of a read buffer change hands with their block") {
  net::BlockPool pool;
  const std::string large(12'000, 'v');
  const std::string text = large + "what follows";
  for (const bool held : {false, true}) {
    CAPTURE(held);
    net::ReadBuffer in(pool, 100'000);
    arrive(in, text);
    const char* const block = in.bytes().data();
    net::WriteBuffer out(pool);
    HeldReply reply(pool);
    const std::string_view front = in.bytes().substr(0, large.size());
    if (held) {
      reply.append({front, &in});
      CHECK(reply.bytes() == large.size());
      reply.move_to(out);
    } else {
      append_to(out, {front, &in});
    }
    CHECK(in.bytes() == "what follows");
    std::array<iovec, 4> pieces;
    REQUIRE(out.gather(pieces) == 1);
    CHECK(pieces[0].iov_base == block);
    CHECK(gathered(out) == large);
  }
  CHECK(pool.borrowed_bytes() == 0);
}

TEST_CASE("bytes that are not at the front are copied, and stay where they are") {
  net::BlockPool pool;
  net::ReadBuffer in(pool, 100'000);
  const std::string text = "x" + std::string(12'000, 'v');
  arrive(in, text);
  net::WriteBuffer out(pool);
  append_to(out, {in.bytes().substr(1), &in});
  append_to(out, {"constant", &in});
  append_to(out, {"constant"});
  CHECK(in.bytes() == text);
  CHECK(gathered(out) == text.substr(1) + "constantconstant");
}

TEST_CASE("an answer that nobody wants gives its memory back") {
  net::BlockPool pool;
  HeldReply reply(pool);
  reply.append({std::string(100'000, 'x')});
  CHECK(pool.borrowed_bytes() > 0);
  reply.clear();
  CHECK(reply.empty());
  CHECK(pool.borrowed_bytes() == 0);
}

}  // namespace ringcache::proxy
