#include "net/read_buffer.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>

#include "net/write_buffer.h"

namespace ringcache::net {

namespace {

/// A reader in full flow gets blocks up to this size: fewer system calls, and still in the cache.
constexpr std::size_t kFlowBlockBytes = 64 * 1024;
/// From here on handing over a block is cheaper than copying its bytes.
constexpr std::size_t kMoveBlockBytesMin = 8 * 1024;

}  // namespace

struct ReadBuffer::Loan {
  std::size_t next = 0;
  std::size_t count = 0;
  std::array<iovec, kLentPiecesMax + 1> pieces;  ///< one more for the room of the block
};

ReadBuffer::~ReadBuffer() {
  take_back();
  if (block_.data != nullptr) pool_.give_back(block_);
}

bool ReadBuffer::ensure(std::size_t total) {
  if (total > limit_bytes_) return false;
  if (block_.data != nullptr && block_.bytes - begin_ >= total) return true;
  if (block_.data != nullptr && block_.bytes >= total) {
    move_to_front();
    return true;
  }
  return grow(total);
}

bool ReadBuffer::grow(std::size_t bytes) {
  const Block larger = pool_.borrow(bytes);
  if (larger.data == nullptr) return false;
  const std::size_t held = size();
  if (block_.data != nullptr) {
    std::memcpy(larger.data, block_.data + begin_, held);
    pool_.give_back(block_);
  }
  block_ = larger;
  begin_ = 0;
  end_ = held;
  return true;
}

void ReadBuffer::move_to_front() {
  std::memmove(block_.data, block_.data + begin_, size());
  end_ -= begin_;
  begin_ = 0;
}

bool ReadBuffer::lend(std::span<const std::span<char>> pieces) {
  assert(empty() && loan_ == nullptr);
  assert(!pieces.empty() && pieces.size() <= kLentPiecesMax);
  loan_block_ = pool_.borrow(sizeof(Loan));
  if (loan_block_.data == nullptr) return false;
  loan_ = new (loan_block_.data) Loan;
  for (const std::span<char> piece : pieces) {
    assert(!piece.empty());
    loan_->pieces[loan_->count++] = {piece.data(), piece.size()};
    lent_left_ += piece.size();
  }
  return true;
}

void ReadBuffer::take_back() {
  if (loan_ == nullptr) return;
  loan_ = nullptr;
  lent_left_ = 0;
  offered_bytes_ = 0;
  pool_.give_back(loan_block_);
  loan_block_ = {};
}

bool ReadBuffer::move_to(WriteBuffer& out, std::size_t count) {
  assert(count <= size());
  const std::string_view moved = bytes().substr(0, count);
  const std::size_t rest = size() - count;
  if (count < kMoveBlockBytesMin || count < block_.bytes / 2) {
    out.append(moved);
    begin_ += count;
    return !out.failed();
  }
  Block fresh;
  if (rest > 0) {
    fresh = pool_.borrow(rest);
    if (fresh.data == nullptr) return false;
    std::memcpy(fresh.data, moved.data() + count, rest);
  }
  out.append_block(block_, moved);
  block_ = fresh;
  begin_ = 0;
  end_ = rest;
  return !out.failed();
}

std::span<const iovec> ReadBuffer::prepare() {
  offered_bytes_ = 0;
  if (block_.data == nullptr) {
    if (!grow(wanted_bytes_)) return {};
  } else if (empty()) {
    begin_ = end_ = 0;
  } else if (begin_ > 0 && block_.bytes - end_ < block_.bytes / 4) {
    // Moving must win at least half a block of room, or a slow reader would move much for little.
    const bool full = size() > block_.bytes / 2 && block_.bytes < limit_bytes_;
    if (!full || !grow(block_.bytes * 2)) move_to_front();
  }
  if (size() >= limit_bytes_) return {};
  if (end_ == block_.bytes && !grow(block_.bytes * 2)) return {};
  const std::size_t room = std::min(block_.bytes - end_, limit_bytes_ - size());
  const iovec behind{block_.data + end_, room};
  offered_bytes_ = lent_left_ + room;
  if (loan_ == nullptr) {
    room_[0] = behind;
    return room_;
  }
  loan_->pieces[loan_->count] = behind;
  return std::span(loan_->pieces).subspan(loan_->next, loan_->count + 1 - loan_->next);
}

void ReadBuffer::commit(std::size_t count) {
  assert(count <= offered_bytes_);
  filled_ = count == offered_bytes_;
  if (filled_) {
    wanted_bytes_ = std::min(wanted_bytes_ * 2, kFlowBlockBytes);
  } else if (count < kBlockBytesMin / 4) {
    wanted_bytes_ = kBlockBytesMin;
  }
  offered_bytes_ = 0;
  std::size_t lent = std::min(count, lent_left_);
  count -= lent;
  lent_left_ -= lent;
  while (lent > 0) {
    iovec& piece = loan_->pieces[loan_->next];
    const std::size_t part = std::min(lent, piece.iov_len);
    piece.iov_base = static_cast<char*>(piece.iov_base) + part;
    piece.iov_len -= part;
    lent -= part;
    if (piece.iov_len == 0) ++loan_->next;
  }
  if (loan_ != nullptr && lent_left_ == 0) take_back();
  end_ += count;
}

void ReadBuffer::release() {
  if (!empty() || block_.data == nullptr) return;
  pool_.give_back(block_);
  block_ = {};
  begin_ = end_ = 0;
}

}  // namespace ringcache::net
