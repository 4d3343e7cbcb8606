#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "net/block_pool.h"
#include "net/read_buffer.h"
#include "net/write_buffer.h"
#include "tests/net/net_fixture.h"

using namespace ringcache::net;
using ringcache::net::testing::pattern;

namespace {

constexpr std::size_t kMiB = 1024 * 1024;

/// As recv would: into what prepare() offers. Returns how many bytes were taken.
std::size_t arrive(ReadBuffer& buffer, std::string_view bytes) {
  std::size_t taken = 0;
  for (const iovec& room : buffer.prepare()) {
    const std::size_t count = std::min(room.iov_len, bytes.size() - taken);
    std::memcpy(room.iov_base, bytes.data() + taken, count);
    taken += count;
  }
  buffer.commit(taken);
  return taken;
}

/// What would be sent, piece by piece, `step` bytes at a time.
std::string drain(WriteBuffer& buffer, std::size_t step) {
  std::string sent;
  std::array<iovec, 5> pieces;
  while (!buffer.empty()) {
    const std::size_t count = buffer.gather(pieces);
    std::string gathered;
    for (std::size_t index = 0; index < count; ++index) {
      gathered.append(static_cast<const char*>(pieces[index].iov_base), pieces[index].iov_len);
    }
    gathered.resize(std::min(gathered.size(), step));
    sent += gathered;
    buffer.consume(gathered.size());
  }
  return sent;
}

void count_release(void* owner, void* context) {
  static_cast<std::vector<int>*>(owner)->push_back(
      static_cast<int>(reinterpret_cast<std::intptr_t>(context)));
}

void* number(std::intptr_t value) {
  return reinterpret_cast<void*>(value);
}

}  // namespace

TEST_CASE("the pool lends powers of two and uses again what came back") {
  BlockPool pool;
  const Block small = pool.borrow(1);
  CHECK(small.bytes == kBlockBytesMin);
  CHECK(reinterpret_cast<std::uintptr_t>(small.data) % 16 == 0);
  const Block large = pool.borrow(kBlockBytesMin + 1);
  CHECK(large.bytes == 2 * kBlockBytesMin);
  CHECK(pool.borrowed_bytes() == 3 * kBlockBytesMin);
  pool.give_back(small);
  CHECK(pool.borrow(kBlockBytesMin).data == small.data);
  pool.give_back(small);
  pool.give_back(large);
  CHECK(pool.borrowed_bytes() == 0);
  CHECK(pool.kept_bytes() == 3 * kBlockBytesMin);
  CHECK(pool.borrow(kBlockBytesMax + 1).data == nullptr);
  const Block largest = pool.borrow(kBlockBytesMax);
  CHECK(largest.bytes == kBlockBytesMax);
  pool.give_back(largest);
}

TEST_CASE("a trim frees what nobody needed since the last one") {
  BlockPool pool;
  std::vector<Block> burst;
  for (int index = 0; index < 10; ++index) burst.push_back(pool.borrow());
  for (const Block block : burst) pool.give_back(block);
  pool.trim();  // all ten were in use since the start
  CHECK(pool.kept_bytes() == 10 * kBlockBytesMin);
  const Block first = pool.borrow();
  const Block second = pool.borrow();
  pool.give_back(first);
  pool.give_back(second);
  pool.trim();
  CHECK(pool.kept_bytes() == 2 * kBlockBytesMin);
  pool.trim();
  CHECK(pool.kept_bytes() == 0);
}

TEST_CASE("a read buffer holds memory only while it holds bytes") {
  BlockPool pool;
  ReadBuffer buffer(pool, kMiB);
  CHECK_FALSE(buffer.holds_memory());
  CHECK(arrive(buffer, "get a\r\nge") == 9);
  CHECK(buffer.bytes() == "get a\r\nge");
  buffer.consume(7);
  buffer.release();
  CHECK(buffer.holds_memory());
  CHECK(buffer.bytes() == "ge");
  arrive(buffer, "t b\r\n");
  CHECK(buffer.bytes() == "get b\r\n");
  const char* before = buffer.bytes().data();
  buffer.consume(3);
  CHECK(buffer.bytes().data() == before + 3);  // nothing moved
  buffer.consume(4);
  buffer.release();
  CHECK_FALSE(buffer.holds_memory());
  CHECK(pool.borrowed_bytes() == 0);
}

TEST_CASE("bytes in any portions come out as they went in") {
  const std::string text = pattern(300'000);
  for (const std::size_t portion : {1UL, 7UL, 1000UL, 16'384UL, 100'000UL}) {
    CAPTURE(portion);
    BlockPool pool;
    ReadBuffer buffer(pool, kMiB);
    std::string out;
    std::size_t in = 0;
    std::size_t round = 0;
    const std::size_t end = portion == 1 ? 40'000 : text.size();
    while (out.size() < end) {
      if (in < end)
        in += arrive(buffer, std::string_view(text).substr(in, std::min(portion, end - in)));
      const std::size_t take = in < end ? buffer.size() * (++round % 4) / 4 : buffer.size();
      out += buffer.bytes().substr(0, take);
      buffer.consume(take);
      buffer.release();
    }
    CHECK((out == text.substr(0, end)));
  }
}

TEST_CASE(
    "a command that is not consumed grows the buffer up to the limit, then nothing is offered") {
  BlockPool pool;
  ReadBuffer buffer(pool, 100'000);
  const std::string text = pattern(200'000);
  std::size_t in = 0;
  while (const std::size_t taken = arrive(buffer, std::string_view(text).substr(in))) in += taken;
  CHECK(in == 100'000);
  CHECK((buffer.bytes() == text.substr(0, in)));
  CHECK(buffer.prepare().empty());
  buffer.consume(in);
  buffer.release();
  CHECK(arrive(buffer, "x") == 1);
}

TEST_CASE("ensure makes room for one large command and refuses what is above the limit") {
  BlockPool pool;
  ReadBuffer buffer(pool, kMiB);
  arrive(buffer, "get a\r\nset big");
  buffer.consume(7);
  CHECK_FALSE(buffer.ensure(kMiB + 1));
  CHECK(buffer.bytes() == "set big");
  REQUIRE(buffer.ensure(kMiB));
  CHECK(buffer.bytes() == "set big");
  const std::string rest = pattern(kMiB - 7);
  CHECK(arrive(buffer, rest) == rest.size());  // one read takes all of it
  CHECK((buffer.bytes() == "set big" + rest));
  CHECK(buffer.ensure(10));
}

TEST_CASE("a reader in full flow gets larger blocks, then small ones again") {
  BlockPool pool;
  ReadBuffer buffer(pool, kMiB);
  const std::string text = pattern(kMiB);
  std::size_t largest = 0;
  for (int round = 0; round < 6; ++round) {
    largest = arrive(buffer, text);
    CHECK(buffer.filled());
    buffer.consume(buffer.size());
    buffer.release();
  }
  CHECK(largest == 4 * kBlockBytesMin);
  arrive(buffer, "short");
  CHECK_FALSE(buffer.filled());
  buffer.consume(5);
  buffer.release();
  CHECK(arrive(buffer, text) == kBlockBytesMin);
}

TEST_CASE("lent memory is filled first, what follows lands in the buffer") {
  const std::string value = pattern(5000);
  const std::string stream = value + "\r\nget b\r\n";
  for (const std::size_t portion : {1UL, 3UL, 999UL, 4999UL, 5000UL, 5001UL, 6000UL}) {
    CAPTURE(portion);
    BlockPool pool;
    ReadBuffer buffer(pool, kMiB);
    std::string one(10, '?');
    std::string two(1, '?');
    std::string three(4989, '?');
    const std::array<std::span<char>, 3> pieces = {std::span<char>(one), std::span<char>(two),
                                                   std::span<char>(three)};
    REQUIRE(buffer.lend(pieces));
    CHECK(buffer.lent_left() == 5000);
    std::size_t in = 0;
    while (in < stream.size()) {
      in += arrive(buffer, std::string_view(stream).substr(in, portion));
      CHECK(buffer.lent_left() == (in < 5000 ? 5000 - in : 0));
      if (buffer.empty()) buffer.release();
    }
    CHECK((one + two + three == value));
    CHECK(buffer.bytes() == "\r\nget b\r\n");
    buffer.consume(buffer.size());
    buffer.release();
    CHECK(pool.borrowed_bytes() == 0);
  }
}

TEST_CASE("a loan that is taken back is not written to any more") {
  BlockPool pool;
  ReadBuffer buffer(pool, kMiB);
  std::string piece(100, '?');
  const std::array<std::span<char>, 1> pieces = {std::span<char>(piece)};
  REQUIRE(buffer.lend(pieces));
  arrive(buffer, "abc");
  CHECK(buffer.lent_left() == 97);
  buffer.take_back();
  CHECK(buffer.lent_left() == 0);
  arrive(buffer, "def");
  CHECK(piece == "abc" + std::string(97, '?'));
  CHECK(buffer.bytes() == "def");
}

TEST_CASE("copied bytes leave in order, in any steps") {
  for (const std::size_t step : {1UL, 100UL, 16'000UL, kMiB}) {
    CAPTURE(step);
    BlockPool pool;
    WriteBuffer buffer(pool);
    const std::string long_text = pattern(step == 1 ? 20'000 : 100'000);
    std::string expected;
    for (int index = 0; index < 50; ++index) {
      const std::string line = "VALUE " + std::to_string(index) + "\r\n";
      buffer.append(line);
      char* room = buffer.reserve(100);
      REQUIRE(room != nullptr);
      std::memset(room, 'r', 100);
      buffer.commit(30);
      expected += line + std::string(30, 'r');
    }
    buffer.append(long_text);
    buffer.append("");
    buffer.append("END\r\n");
    expected += long_text + "END\r\n";
    CHECK(buffer.bytes() == expected.size());
    CHECK((drain(buffer, step) == expected));
    CHECK(buffer.bytes() == 0);
    CHECK(pool.borrowed_bytes() == 0);
  }
}

TEST_CASE("a buffer takes over another's bytes, slices and memory") {
  BlockPool pool;
  WriteBuffer buffer(pool);
  std::string expected;
  for (int index = 0; index < 3; ++index) {
    const std::string line = "line " + std::to_string(index) + "\r\n";
    buffer.append(line);
    WriteBuffer other(pool);
    buffer.take(other);  // of nothing, nothing
    other.append(pattern(20'000, index));
    buffer.take(other);
    CHECK(other.empty());
    expected += line + pattern(20'000, index);
  }
  CHECK(buffer.bytes() == expected.size());
  CHECK((drain(buffer, 1000) == expected));
  CHECK(pool.borrowed_bytes() == 0);
}

TEST_CASE("slices are sent from where they lie and released once, in order, when they have left") {
  BlockPool pool;
  std::vector<int> released;
  const std::string big = pattern(50'000);
  WriteBuffer buffer(pool);
  buffer.append("a");
  buffer.append_slice(big, count_release, &released, number(1));
  buffer.append("b");
  buffer.append_slice(big.substr(0, 100), count_release, &released, number(2));  // copied
  CHECK(released == std::vector<int>{2});
  buffer.append_slice(std::string_view(big).substr(0, 1000), count_release, &released, number(3));
  CHECK(buffer.bytes() == 1 + 50'000 + 1 + 100 + 1000);
  std::array<iovec, 8> pieces;
  REQUIRE(buffer.gather(pieces) == 4);
  CHECK(pieces[1].iov_base == big.data());
  buffer.consume(1 + 49'999);
  CHECK(released == std::vector<int>{2});
  buffer.consume(1);
  CHECK(released == std::vector<int>{2, 1});
  CHECK((drain(buffer, 333) == "b" + big.substr(0, 100) + big.substr(0, 1000)));
  CHECK(released == std::vector<int>{2, 1, 3});
}

TEST_CASE("a mark is called when everything before it has left") {
  BlockPool pool;
  std::vector<int> released;
  WriteBuffer buffer(pool);
  buffer.append_mark(count_release, &released, number(1));  // nothing waits
  CHECK(released == std::vector<int>{1});
  const std::string big = pattern(40'000);
  buffer.append(big);
  buffer.append_mark(count_release, &released, number(2));
  buffer.append("\r\n");
  std::array<iovec, 16> pieces;
  std::size_t bytes = 0;
  for (std::size_t count = buffer.gather(pieces); count > 0; --count) {
    CHECK(pieces[count - 1].iov_len > 0);
    bytes += pieces[count - 1].iov_len;
  }
  CHECK(bytes == big.size() + 2);
  buffer.consume(big.size() - 1);
  CHECK(released.size() == 1);
  buffer.consume(2);
  CHECK(released == std::vector<int>{1, 2});
  buffer.append_mark(count_release, &released, number(3));
  buffer.clear();
  CHECK(released == std::vector<int>{1, 2, 3});
  CHECK(pool.borrowed_bytes() == 0);
}

TEST_CASE("thousands of slices fit, and dropping them releases each once") {
  BlockPool pool;
  std::vector<int> released;
  const std::string big = pattern(1000);
  {
    WriteBuffer buffer(pool);
    for (int index = 0; index < 3000; ++index) {
      buffer.append_slice(big, count_release, &released, number(index));
      buffer.append("\r\n");
    }
    buffer.consume(1002 * 1000);
    CHECK(released.size() == 1000);
  }
  REQUIRE(released.size() == 3000);
  CHECK(std::is_sorted(released.begin(), released.end()));
  CHECK(pool.borrowed_bytes() == 0);
}

TEST_CASE("a read buffer hands its bytes to a write buffer, its block when they fill it") {
  for (const std::size_t count : {1UL, 500UL, 8'192UL, 16'000UL, 16'384UL}) {
    CAPTURE(count);
    BlockPool pool;
    {
      ReadBuffer in(pool, kMiB);
      WriteBuffer out(pool);
      const std::string text = pattern(16'384);
      REQUIRE(arrive(in, text) == text.size());
      const char* block = in.bytes().data();
      REQUIRE(in.move_to(out, count));
      CHECK((in.bytes() == text.substr(count)));
      std::array<iovec, 2> pieces;
      REQUIRE(out.gather(pieces) == 1);
      CHECK((pieces[0].iov_base == block) == (count >= 8'192));
      arrive(in, "more");
      CHECK((in.bytes() == text.substr(count) + "more"));
      CHECK((drain(out, 1000) == text.substr(0, count)));
    }
    CHECK(pool.borrowed_bytes() == 0);
  }
}

TEST_CASE("flush sends all pieces in one go and says when the socket is full") {
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
  BlockPool pool;
  std::vector<int> released;
  const std::string big = pattern(1000);
  std::string expected;
  WriteBuffer buffer(pool);
  for (int index = 0; index < 2000; ++index) {
    buffer.append("x");
    buffer.append_slice(big, count_release, &released, number(index));
    expected += 'x' + big;
  }
  std::string received;
  int full = 0;
  while (received.size() < expected.size()) {
    const WriteBuffer::FlushResult result = buffer.flush(fds[0]);
    CHECK((result.error == 0 || result.error == EAGAIN));
    full += result.error == EAGAIN ? 1 : 0;
    std::array<char, 65'536> chunk;
    const ssize_t got = ::recv(fds[1], chunk.data(), chunk.size(), 0);
    if (got > 0) received.append(chunk.data(), static_cast<std::size_t>(got));
  }
  CHECK(full > 0);
  CHECK((received == expected));
  CHECK(released.size() == 2000);
  ::close(fds[1]);
  buffer.append("nobody reads this");
  CHECK(buffer.flush(fds[0]).error == EPIPE);
  ::close(fds[0]);
}
