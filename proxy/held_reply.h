// HeldReply: bytes of an answer that wait until their request is the client's oldest.
//
// Up to kSmallBytesMax they lie in a string whose memory is kept for the next answer; above it the
// rest lies in blocks of the worker's pool, which are handed to the client's connection as they
// are. So steady traffic allocates nothing, whatever the sizes. Touched by its worker only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "net/read_buffer.h"
#include "net/shared_bytes.h"
#include "net/write_buffer.h"

namespace ringcache::proxy {

// Bytes of an answer, and how they may be passed on without being copied.
struct ReplyBytes {
  std::string_view bytes;
  // Where they are the front of this buffer, of the same worker, large ones are moved out of it
  // with their block, and are consumed then: views of it are dead.
  net::ReadBuffer* from = nullptr;
  net::SharedBytes* shared = nullptr;  // all of its bytes: referred to
};

void append_to(net::WriteBuffer& out, const ReplyBytes& reply);

class HeldReply {
 public:
  // What one held answer may keep when it is empty, bytes.
  static constexpr std::size_t kSmallBytesMax = 4096;

  explicit HeldReply(net::BlockPool& blocks) : rest_(blocks) {}

  void append(const ReplyBytes& reply);
  // Everything, in order, to the end of `out`, whose pool must be the same. Empty afterwards.
  void move_to(net::WriteBuffer& out);
  void clear();

  std::size_t bytes() const { return small_.size() + rest_.bytes(); }
  bool empty() const { return small_.empty() && rest_.empty() && !rest_.failed(); }

 private:
  std::string small_;      // the beginning
  net::WriteBuffer rest_;  // what came when `small_` was full
};

}  // namespace ringcache::proxy
