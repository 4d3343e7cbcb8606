#include "proxy/drain_signal.h"

#include <cassert>
#include <utility>

namespace ringcache::proxy {

void DrainSignal::wait_for(net::WriteBuffer& out) {
  assert(!waiting_);
  if (link_ == nullptr) link_ = new Link{this};
  waiting_ = true;
  out.append_mark(on_released, link_, nullptr);
}

void DrainSignal::forget() {
  if (!std::exchange(waiting_, false)) return;
  std::exchange(link_, nullptr)->signal = nullptr;  // the buffer frees it
}

void DrainSignal::on_released(void* link, void*) {
  DrainSignal* const signal = static_cast<Link*>(link)->signal;
  if (signal == nullptr) {
    delete static_cast<Link*>(link);
    return;
  }
  signal->waiting_ = false;
  signal->call_(signal->context_);
}

}  // namespace ringcache::proxy
