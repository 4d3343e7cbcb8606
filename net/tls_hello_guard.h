#pragma once

#include <array>
#include <cstddef>
#include <string_view>

/// Looks at the first bytes that a TLS client sends. A hello says at once how long it is, and
/// OpenSSL makes room for all of that, up to 128 KiB, when it has seen nine bytes. Real ones have
/// half a KiB, two with the keys of post-quantum exchanges.
///
/// Thread rule: belongs to its TlsStream. Source: RFC 8446, 4 and 5.1.
namespace ringcache::net {

/// A longer hello is refused.
inline constexpr std::size_t kHelloBytesMax = 16 * 1024;

class TlsHelloGuard {
 public:
  /// The next bytes, in order. False: a hello that is too long, or whose first record is too short
  /// to say how long it is, or a record that is no hello's. What is no TLS at all is left to
  /// others.
  [[nodiscard]] bool take(std::string_view bytes);
  /// For a stream on which no hello comes: nothing is looked at.
  void turn_off() { count_ = kDone; }

 private:
  static constexpr std::size_t kRecordHeaderBytes = 5;
  static constexpr std::size_t kMessageHeaderBytes = 4;
  static constexpr unsigned char kDone = 255;

  std::size_t number(std::size_t at, std::size_t bytes) const;

  std::array<unsigned char, kRecordHeaderBytes + kMessageHeaderBytes> first_{};
  unsigned char count_ = 0;  ///< of first_; kDone: nothing more is looked at
};

}  // namespace ringcache::net
