#pragma once

// What a value looks like, so that whoever reads it can tell a wrong one. A value is a function of
// its key's index, its version (which write it was) and its length:
//
//   word 0   version (32 bits) | check (32 bits of a hash of index and version)
//   word i   seed(index, version) + i * step          little-endian; the last word may be cut
//
// Another key's value, two versions mixed, bytes shifted, lost or changed: each is found at the
// first word that differs. A value shorter than a word has no room for a version and is the first
// bytes of a hash of the index. Both directions run at about memcpy speed.

#include <cstddef>
#include <cstdint>

namespace ringcache::bench {

/// Writes the `bytes` bytes of the value of key `index` in `version`.
void write_value(char* out, std::size_t bytes, std::uint64_t index, std::uint32_t version);

/// Checks one value that arrives in pieces of any size. Reused from value to value.
class ValueVerifier {
 public:
  void begin(std::uint64_t index, std::size_t bytes);

  /// The next piece. False from the first wrong byte on; more than `bytes` in all is wrong too.
  bool feed(const char* data, std::size_t size);

  /// True if every byte has come and none was wrong.
  bool complete() const { return correct_ && offset_ == bytes_; }

 private:
  bool take_head(const char*& data, std::size_t& size);
  bool check_body(const char* data, std::size_t size);

  std::uint64_t index_ = 0;
  std::uint64_t seed_ = 0;
  std::size_t bytes_ = 0;
  std::size_t offset_ = 0;  // bytes seen so far
  char head_[8] = {};       // word 0 while it is incomplete
  bool correct_ = true;
};

}  // namespace ringcache::bench
