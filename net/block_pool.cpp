#include "net/block_pool.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdlib>

namespace ringcache::net {

namespace {

std::size_t class_of(std::size_t bytes) {
  const std::size_t blocks = (bytes + kBlockBytesMin - 1) / kBlockBytesMin;
  return static_cast<std::size_t>(std::bit_width(std::max<std::size_t>(blocks, 1) - 1));
}

}  // namespace

BlockPool::~BlockPool() {
  assert(borrowed_bytes_ == 0);
  for (SizeClass& size_class : classes_) {
    for (char* data : size_class.kept) std::free(data);
  }
}

Block BlockPool::borrow(std::size_t bytes_min) {
  if (bytes_min > kBlockBytesMax) return {};
  const std::size_t index = class_of(bytes_min);
  SizeClass& size_class = classes_[index];
  Block block{nullptr, kBlockBytesMin << index};
  if (!size_class.kept.empty()) {
    block.data = size_class.kept.back();
    size_class.kept.pop_back();
    size_class.kept_min = std::min(size_class.kept_min, size_class.kept.size());
  } else {
    block.data = static_cast<char*>(std::malloc(block.bytes));
    if (block.data == nullptr) return {};
  }
  borrowed_bytes_ += block.bytes;
  return block;
}

void BlockPool::give_back(Block block) {
  assert(block.data != nullptr && borrowed_bytes_ >= block.bytes);
  borrowed_bytes_ -= block.bytes;
  classes_[class_of(block.bytes)].kept.push_back(block.data);
}

void BlockPool::trim() {
  for (SizeClass& size_class : classes_) {
    // The front of the list was not touched: those that come back last are borrowed first.
    const auto unused = size_class.kept.begin() + static_cast<std::ptrdiff_t>(size_class.kept_min);
    std::for_each(size_class.kept.begin(), unused, [](char* data) { std::free(data); });
    size_class.kept.erase(size_class.kept.begin(), unused);
    size_class.kept_min = size_class.kept.size();
  }
}

std::size_t BlockPool::kept_bytes() const {
  std::size_t bytes = 0;
  for (std::size_t index = 0; index < kBlockClasses; ++index) {
    bytes += classes_[index].kept.size() * (kBlockBytesMin << index);
  }
  return bytes;
}

}  // namespace ringcache::net
