#include "net/shared_bytes.h"

#include <cstring>
#include <new>

namespace ringcache::net {

SharedBytes* SharedBytes::copy_of(std::string_view bytes, BlockPool& pool) {
  const Block block = pool.borrow(sizeof(SharedBytes) + bytes.size());
  if (block.data == nullptr) return nullptr;
  auto* const made = new (block.data) SharedBytes(pool, block, bytes.size());
  std::memcpy(block.data + sizeof(SharedBytes), bytes.data(), bytes.size());
  return made;
}

std::string_view SharedBytes::bytes() const {
  return {block_.data + sizeof(SharedBytes), count_};
}

void SharedBytes::append_to(WriteBuffer& out) {
  ++references_;
  const auto let_go = [](void* owner, void*) { static_cast<SharedBytes*>(owner)->drop(); };
  out.append_slice(bytes(), let_go, this, nullptr);
}

void SharedBytes::drop() {
  if (--references_ > 0) return;
  const Block block = block_;
  BlockPool& pool = pool_;
  this->~SharedBytes();
  pool.give_back(block);
}

}  // namespace ringcache::net
