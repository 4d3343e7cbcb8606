#include "proxy/held_reply.h"

namespace ringcache::proxy {

void append_or_move(std::string_view bytes, net::ReadBuffer* from, net::WriteBuffer& out) {
  const bool in_front = from != nullptr && from->size() > 0 && from->bytes().data() == bytes.data();
  if (in_front && from->move_to(out, bytes.size())) return;
  out.append(bytes);
}

void HeldReply::append(std::string_view bytes, net::ReadBuffer* from) {
  if (rest_.empty() && small_.size() + bytes.size() <= kSmallBytesMax) {
    small_.append(bytes);
  } else {
    append_or_move(bytes, from, rest_);
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
