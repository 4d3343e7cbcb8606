#include "net/read_buffer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <new>

#include "net/write_buffer.h"

namespace ringcache::net {

namespace {

/// A reader in full flow gets blocks up to this size: fewer system calls, and still in the cache.
constexpr std::uint8_t kFlowSizeClass = 2;
static_assert(kBlockBytesMin << kFlowSizeClass == 64 * 1024);
/// From here on handing over a block is cheaper than copying its bytes.
constexpr std::size_t kMoveBlockBytesMin = 8 * 1024;

}  // namespace

struct ReadBuffer::Loan {
  std::size_t left = 0;  ///< bytes that have not arrived
  std::size_t next = 0;
  std::size_t count = 0;
  std::array<iovec, kLentPiecesMax + 1> pieces;  ///< one more for the room of the block
};

ReadBuffer::~ReadBuffer() {
  take_back();
  if (data_ != nullptr) pool_.give_back({data_, block_bytes()});
}

std::size_t ReadBuffer::lent_bytes_left() const {
  return loan_->left;
}

void ReadBuffer::hold(Block block, std::size_t bytes) {
  data_ = block.data;
  size_class_ = static_cast<std::uint8_t>(std::countr_zero(block.bytes / kBlockBytesMin));
  begin_ = 0;
  end_ = static_cast<std::uint32_t>(bytes);
}

bool ReadBuffer::ensure(std::size_t total) {
  if (total > limit_bytes_) return false;
  if (data_ != nullptr && block_bytes() - begin_ >= total) return true;
  if (data_ != nullptr && block_bytes() >= total) {
    move_to_front();
    return true;
  }
  return grow(total);
}

bool ReadBuffer::grow(std::size_t bytes) {
  const Block larger = pool_.borrow(bytes);
  if (larger.data == nullptr) return false;
  const std::size_t held = size();
  if (data_ != nullptr) {
    std::memcpy(larger.data, data_ + begin_, held);
    pool_.give_back({data_, block_bytes()});
  }
  hold(larger, held);
  return true;
}

void ReadBuffer::move_to_front() {
  std::memmove(data_, data_ + begin_, size());
  end_ -= begin_;
  begin_ = 0;
}

bool ReadBuffer::lend(std::span<const std::span<char>> pieces) {
  assert(empty() && loan_ == nullptr);
  assert(!pieces.empty() && pieces.size() <= kLentPiecesMax);
  const Block block = pool_.borrow(sizeof(Loan));
  if (block.data == nullptr) return false;
  loan_ = new (block.data) Loan;
  for (const std::span<char> piece : pieces) {
    assert(!piece.empty());
    loan_->pieces[loan_->count++] = {piece.data(), piece.size()};
    loan_->left += piece.size();
  }
  return true;
}

void ReadBuffer::take_back() {
  if (loan_ == nullptr) return;
  pool_.give_back({reinterpret_cast<char*>(loan_), kBlockBytesMin});
  loan_ = nullptr;
}

bool ReadBuffer::move_to(WriteBuffer& out, std::size_t count) {
  assert(count <= size());
  const std::string_view moved = bytes().substr(0, count);
  const std::size_t rest = size() - count;
  if (count < kMoveBlockBytesMin || count < block_bytes() / 2) {
    out.append(moved);
    consume(count);
    return true;
  }
  Block fresh;
  if (rest > 0) {
    fresh = pool_.borrow(rest);
    if (fresh.data == nullptr) return false;
    std::memcpy(fresh.data, moved.data() + count, rest);
  }
  out.append_block({data_, block_bytes()}, moved);
  if (rest > 0) {
    hold(fresh, rest);
  } else {
    data_ = nullptr;
    begin_ = end_ = 0;
  }
  return true;
}

std::span<const iovec> ReadBuffer::prepare() {
  if (data_ == nullptr) {
    if (!grow(kBlockBytesMin << wanted_class_)) return {};
  } else if (empty()) {
    begin_ = end_ = 0;
  } else if (begin_ > 0 && block_bytes() - end_ < block_bytes() / 4) {
    // Moving must win at least half a block of room, or a slow reader would move much for little.
    const bool full = size() > block_bytes() / 2 && block_bytes() < limit_bytes_;
    if (!full || !grow(block_bytes() * 2)) move_to_front();
  }
  if (size() >= limit_bytes_) return {};
  if (end_ == block_bytes() && !grow(block_bytes() * 2)) return {};
  const iovec behind{data_ + end_, room_bytes()};
  if (loan_ == nullptr) {
    pool_.offered[0] = behind;
    return pool_.offered;
  }
  loan_->pieces[loan_->count] = behind;
  return std::span(loan_->pieces).subspan(loan_->next, loan_->count + 1 - loan_->next);
}

void ReadBuffer::commit(std::size_t count) {
  const std::size_t offered_bytes = data_ != nullptr ? lent_left() + room_bytes() : 0;
  assert(count <= offered_bytes);
  filled_ = count == offered_bytes;
  if (filled_) {
    wanted_class_ = std::min<std::uint8_t>(wanted_class_ + 1, kFlowSizeClass);
  } else if (count < kBlockBytesMin / 4) {
    wanted_class_ = 0;
  }
  std::size_t lent = std::min(count, lent_left());
  count -= lent;
  if (loan_ != nullptr) loan_->left -= lent;
  while (lent > 0) {
    iovec& piece = loan_->pieces[loan_->next];
    const std::size_t part = std::min(lent, piece.iov_len);
    piece.iov_base = static_cast<char*>(piece.iov_base) + part;
    piece.iov_len -= part;
    lent -= part;
    if (piece.iov_len == 0) ++loan_->next;
  }
  if (loan_ != nullptr && loan_->left == 0) take_back();
  end_ += static_cast<std::uint32_t>(count);
}

void ReadBuffer::release() {
  if (!empty() || data_ == nullptr) return;
  pool_.give_back({data_, block_bytes()});
  data_ = nullptr;
  begin_ = end_ = 0;
}

}  // namespace ringcache::net
