// A first-in first-out queue in one ring of memory that grows by doubling and stays, unless it was
// very large: in steady state it allocates nothing. One thread at a time.
#pragma once

#include <bit>
#include <cstddef>
#include <vector>

namespace ringcache::store {

template <typename Value>
class Fifo {
 public:
  explicit Fifo(std::size_t capacity) : ring_(std::bit_ceil(capacity)) {}

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return ring_.size() * sizeof(Value); }

  // Visits every value, oldest first.
  template <typename Visit>
  void for_each(const Visit& visit) const {
    for (std::size_t at = 0; at < size_; ++at) visit(ring_[(first_ + at) & (ring_.size() - 1)]);
  }
  const Value& front() const { return ring_[first_]; }
  void push(const Value& value) {
    if (size_ == ring_.size()) grow();
    ring_[(first_ + size_) & (ring_.size() - 1)] = value;
    ++size_;
  }
  Value pop() {
    const Value value = ring_[first_];
    first_ = (first_ + 1) & (ring_.size() - 1);
    if (--size_ == 0 && ring_.size() > kKeptMax) {
      ring_ = std::vector<Value>(kKeptMax);
      first_ = 0;
    }
    return value;
  }

 private:
  static constexpr std::size_t kKeptMax = 4096;  // values that an empty queue has room for

  void grow() {
    std::vector<Value> larger(ring_.size() * 2);
    for (std::size_t at = 0; at < size_; ++at) {
      larger[at] = ring_[(first_ + at) & (ring_.size() - 1)];
    }
    ring_.swap(larger);
    first_ = 0;
  }

  std::vector<Value> ring_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace ringcache::store
