#include "tests/bench/value_pattern.h"

#include <bit>
#include <cstring>

#include "tests/bench/random.h"

namespace ringcache::bench {
namespace {

static_assert(std::endian::native == std::endian::little,
              "words are written as they lie in memory");

constexpr std::size_t kWord = sizeof(std::uint64_t);
constexpr std::uint64_t kStep = 0xd1342543de82ef95;

std::uint64_t seed_of(std::uint64_t index, std::uint32_t version) {
  return splitmix64(index ^ splitmix64(version));
}

std::uint64_t head_of(std::uint64_t seed, std::uint32_t version) {
  return (seed & 0xffffffff00000000) | version;
}

}  // namespace

void write_value(char* out, std::size_t bytes, std::uint64_t index, std::uint32_t version) {
  if (bytes < kWord) version = 0;
  const std::uint64_t seed = seed_of(index, version);
  const std::uint64_t head = head_of(seed, version);
  if (bytes < kWord) {
    std::memcpy(out, reinterpret_cast<const char*>(&head) + kWord - bytes, bytes);
    return;
  }
  std::memcpy(out, &head, kWord);
  const std::size_t words = bytes / kWord;
  for (std::size_t i = 1; i < words; ++i) {
    const std::uint64_t word = seed + i * kStep;
    std::memcpy(out + i * kWord, &word, kWord);
  }
  const std::uint64_t last = seed + words * kStep;
  std::memcpy(out + words * kWord, &last, bytes % kWord);
}

void ValueVerifier::begin(std::uint64_t index, std::size_t bytes) {
  index_ = index;
  bytes_ = bytes;
  offset_ = 0;
  correct_ = true;
}

bool ValueVerifier::feed(const char* data, std::size_t size) {
  if (!correct_) return false;
  if (size > bytes_ - offset_) return correct_ = false;
  if (bytes_ < kWord) {
    char expected[kWord];
    write_value(expected, bytes_, index_, 0);
    correct_ = std::memcmp(data, expected + offset_, size) == 0;
    offset_ += size;
    return correct_;
  }
  if (offset_ < kWord && !take_head(data, size)) return correct_;
  return correct_ = check_body(data, size);
}

// Collects word 0, which tells the version and so the seed of the rest. False while it is
// incomplete or when it is wrong.
bool ValueVerifier::take_head(const char*& data, std::size_t& size) {
  const std::size_t taken = size < kWord - offset_ ? size : kWord - offset_;
  std::memcpy(head_ + offset_, data, taken);
  offset_ += taken;
  data += taken;
  size -= taken;
  if (offset_ < kWord) return false;
  std::uint64_t head = 0;
  std::memcpy(&head, head_, kWord);
  const auto version = static_cast<std::uint32_t>(head);
  seed_ = seed_of(index_, version);
  return correct_ = head == head_of(seed_, version);
}

bool ValueVerifier::check_body(const char* data, std::size_t size) {
  const auto byte_at = [this](std::size_t offset) {
    return static_cast<char>((seed_ + offset / kWord * kStep) >> (offset % kWord * 8));
  };
  while (size > 0 && offset_ % kWord != 0) {
    if (*data++ != byte_at(offset_++)) return false;
    --size;
  }
  const std::size_t words = size / kWord;
  std::uint64_t expected = seed_ + offset_ / kWord * kStep;
  std::uint64_t difference = 0;
  for (std::size_t i = 0; i < words; ++i, expected += kStep) {
    std::uint64_t word = 0;
    std::memcpy(&word, data + i * kWord, kWord);
    difference |= word ^ expected;
  }
  if (difference != 0) return false;
  data += words * kWord;
  offset_ += words * kWord;
  for (size -= words * kWord; size > 0; --size) {
    if (*data++ != byte_at(offset_++)) return false;
  }
  return true;
}

}  // namespace ringcache::bench
