#pragma once

// The keys of a run: index <-> text. A key is a prefix, zeros to fill, and the 16 hex digits of
// splitmix64(index), so that neighbouring indices have nothing in common (hashes that spread
// sequential keys badly would otherwise be measured instead of the server), no two indices share
// a key, and the index can be read back from a reply. Keys shorter than 16 bytes are the index
// itself in hex.
// Immutable after construction, shared by all threads.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringcache::bench {

class KeySpace {
 public:
  static constexpr std::size_t kKeyBytesMax = 250;

  /// `key_bytes` in [1, kKeyBytesMax]; `prefix` is cut to what fits before the digits.
  KeySpace(std::size_t key_bytes, std::string_view prefix);

  std::size_t key_bytes() const { return head_.size() + digits_; }

  /// How many different keys there are: an index must be below this.
  std::uint64_t capacity() const;

  /// Writes exactly key_bytes() bytes and returns the end.
  char* write(char* out, std::uint64_t index) const;

  /// The index of which `key` is the key; nothing if it is the key of none.
  std::optional<std::uint64_t> parse(std::string_view key) const;

 private:
  static constexpr std::size_t kHashDigits = 16;

  std::string head_;
  std::size_t digits_;
};

}  // namespace ringcache::bench
