// Fifo: a queue in a ring of a power-of-two size that doubles when full and never shrinks, so a
// queue that has reached its depth allocates nothing more. Indexable from the oldest. One thread.
#pragma once

#include <cassert>
#include <cstddef>
#include <memory>
#include <utility>

namespace ringcache::proxy {

template <typename T>
class Fifo {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // The element `index` places behind the oldest. REQUIRES index < size().
  T& operator[](std::size_t index) {
    assert(index < size_);
    return slots_[(head_ + index) & (capacity_ - 1)];
  }
  T& front() { return (*this)[0]; }

  void push_back(const T& value) {
    if (size_ == capacity_) grow();
    slots_[(head_ + size_) & (capacity_ - 1)] = value;
    ++size_;
  }
  void pop_front() {
    assert(size_ > 0);
    head_ = (head_ + 1) & (capacity_ - 1);
    --size_;
  }
  void clear() { head_ = size_ = 0; }

 private:
  static constexpr std::size_t kFirstCapacity = 16;

  void grow() {
    const std::size_t capacity = capacity_ == 0 ? kFirstCapacity : capacity_ * 2;
    auto slots = std::make_unique<T[]>(capacity);
    for (std::size_t i = 0; i < size_; ++i) slots[i] = std::move((*this)[i]);
    slots_ = std::move(slots);
    capacity_ = capacity;
    head_ = 0;
  }

  std::unique_ptr<T[]> slots_;
  std::size_t capacity_ = 0;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace ringcache::proxy
