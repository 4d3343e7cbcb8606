// What is left when there is no memory for a buffer: nothing twice, nothing incomplete.
#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <string>

#include "net/read_buffer.h"
#include "net/write_buffer.h"
#include "tests/net/net_fixture.h"
#include "tests/support/malloc_counter.h"

using ringcache::testing::refused_bytes_min;
using namespace ringcache::net;
using namespace ringcache::net::testing;

namespace {

struct NoMemory {
  NoMemory() { refused_bytes_min = kBlockBytesMin; }
  ~NoMemory() { refused_bytes_min = 0; }
};

void arrive(ReadBuffer& in, const std::string& text) {
  const auto room = in.prepare();
  REQUIRE(room.size() == 1);
  REQUIRE(room[0].iov_len >= text.size());
  std::memcpy(room[0].iov_base, text.data(), text.size());
  in.commit(text.size());
}

/// Answers a line, something that there is no memory for, and another line.
struct IncompleteHandler : ConnectionHandler {
  void on_bytes(Connection& connection) override {
    connection.in().consume(connection.in().size());
    connection.out().append("first\r\n");
    {
      const NoMemory none;
      connection.out().append(large);
    }
    connection.out().append("last\r\n");
    connection.schedule_flush();
  }
  void on_closed(Connection&, const CloseInfo& info) override { closed->put(info); }
  Mailbox<CloseInfo>* closed;
  const std::string large = std::string(100'000, 'x');
};

}  // namespace

TEST_CASE("bytes that are moved without memory are the write buffer's, which failed, or stay") {
  const std::string text = pattern(16'384);
  struct Case {
    std::size_t count;
    bool moved;
  };
  // Copied; the rest would need a block of its own; the block would need a piece to refer to it.
  for (const Case c : {Case{100, true}, Case{10'000, false}, Case{16'384, true}}) {
    CAPTURE(c.count);
    BlockPool pool;
    {
      ReadBuffer in(pool, 1 << 20);
      WriteBuffer out(pool);
      arrive(in, text);
      {
        const NoMemory none;
        CHECK(in.move_to(out, c.count) == c.moved);
      }
      CHECK(out.failed() == c.moved);
      CHECK(in.bytes() == (c.moved ? text.substr(c.count) : text));
    }
    CHECK(pool.borrowed_bytes() == 0);
  }
}

TEST_CASE("a connection sends nothing of an output that there was no memory for") {
  Mailbox<CloseInfo> closed;
  const TestServer server([&closed](Connection&) {
    auto handler = std::make_unique<IncompleteHandler>();
    handler->closed = &closed;
    return handler;
  });
  Client client = server.client();
  REQUIRE(client.send("ask\r\n"));
  CHECK(client.receive_all().empty());
  const auto info = closed.take();
  REQUIRE(info);
  CHECK(info->reason == CloseReason::kNoMemory);
}
