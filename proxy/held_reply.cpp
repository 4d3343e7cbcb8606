#include "proxy/held_reply.h"

namespace ringcache::proxy {

void append_to(net::WriteBuffer& out, const ReplyBytes& reply) {
  const auto [bytes, from, shared] = reply;
  if (shared != nullptr) return shared->append_to(out);
  const bool in_front = from != nullptr && from->size() > 0 && from->bytes().data() == bytes.data();
  if (in_front && from->move_to(out, bytes.size())) return;
  out.append(bytes);
}

void HeldReply::append(const ReplyBytes& reply) {
  if (rest_.empty() && small_.size() + reply.bytes.size() <= kSmallBytesMax) {
    small_.append(reply.bytes);
  } else {
    append_to(rest_, reply);
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
