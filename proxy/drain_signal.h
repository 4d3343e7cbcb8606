// DrainSignal: tells its owner once when what a WriteBuffer holds now has left it: sent, or dropped
// with its connection. Either may die before the other.
//
// Owned by an Upstream, which waits with it until a slow client has taken what it was given. Its
// worker's thread only. Allocates once, and again only after forget().
#pragma once

#include "net/write_buffer.h"

namespace ringcache::proxy {

class DrainSignal {
 public:
  using Call = void (*)(void* context);
  DrainSignal(Call call, void* context) : call_(call), context_(context) {}
  ~DrainSignal() {
    forget();
    delete link_;
  }
  DrainSignal(const DrainSignal&) = delete;
  DrainSignal& operator=(const DrainSignal&) = delete;

  // Calls when `out` has sent all that it holds now; inside this when that is nothing.
  // REQUIRES !waiting(). The call must not touch `out`.
  void wait_for(net::WriteBuffer& out);
  bool waiting() const { return waiting_; }
  // The call is wanted no more.
  void forget();

 private:
  struct Link {
    DrainSignal* signal;
  };
  static void on_released(void* link, void* context);

  Call call_;
  void* context_;
  Link* link_ = nullptr;  // while waiting the buffer has it too
  bool waiting_ = false;
};

}  // namespace ringcache::proxy
