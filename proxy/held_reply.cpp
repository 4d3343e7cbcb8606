#include "proxy/held_reply.h"

namespace ringcache::proxy {

void HeldReply::append(std::string_view bytes) {
  if (rest_.empty() && small_.size() + bytes.size() <= kSmallBytesMax) {
    small_.append(bytes);
  } else {
    rest_.append(bytes);
  }
}

void HeldReply::move_to(net::WriteBuffer& out) {
  out.append(small_);
  out.take(rest_);
  small_.clear();
}

void HeldReply::clear() {
  small_.clear();
  rest_.clear();
}

}  // namespace ringcache::proxy
