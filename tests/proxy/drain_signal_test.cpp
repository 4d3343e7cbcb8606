#include "proxy/drain_signal.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

namespace {

using ringcache::net::BlockPool;
using ringcache::net::WriteBuffer;
using ringcache::proxy::DrainSignal;

struct Setup {
  BlockPool pool;
  int calls = 0;
  std::unique_ptr<DrainSignal> signal =
      std::make_unique<DrainSignal>([](void* count) { ++*static_cast<int*>(count); }, &calls);
};

TEST_CASE("it calls once, when what the buffer held has left") {
  Setup s;
  WriteBuffer out(s.pool);
  out.append("12345");
  s.signal->wait_for(out);
  out.append("678");
  CHECK(s.signal->waiting());
  out.consume(4);
  CHECK(s.calls == 0);
  out.consume(2);
  CHECK(s.calls == 1);
  CHECK_FALSE(s.signal->waiting());
  out.consume(2);
  CHECK(s.calls == 1);
  out.append("9");
  s.signal->wait_for(out);  // again
  out.consume(1);
  CHECK(s.calls == 2);
}

TEST_CASE("it calls when the buffer is dropped, and at once when it holds nothing") {
  Setup s;
  {
    WriteBuffer out(s.pool);
    out.append("12345");
    s.signal->wait_for(out);
  }
  CHECK(s.calls == 1);
  WriteBuffer out(s.pool);
  s.signal->wait_for(out);
  CHECK(s.calls == 2);
  CHECK_FALSE(s.signal->waiting());
}

TEST_CASE("it moves along when a buffer is taken over") {
  Setup s;
  WriteBuffer held(s.pool);
  WriteBuffer out(s.pool);
  out.append("first");
  held.append("second");
  s.signal->wait_for(held);
  out.take(held);
  out.consume(5);
  CHECK(s.calls == 0);
  out.consume(6);
  CHECK(s.calls == 1);
}

TEST_CASE("what is forgotten is not called, whoever dies first") {
  Setup s;
  WriteBuffer out(s.pool);
  out.append("12345");
  s.signal->wait_for(out);
  s.signal->forget();
  CHECK_FALSE(s.signal->waiting());
  s.signal->wait_for(out);  // with a new one
  s.signal.reset();
  out.consume(5);
  CHECK(s.calls == 0);
}

}  // namespace
