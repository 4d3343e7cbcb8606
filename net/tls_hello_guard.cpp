#include "net/tls_hello_guard.h"

namespace ringcache::net {

namespace {

// Types of records.
constexpr unsigned char kHandshakeRecord = 22;
constexpr unsigned char kFirstType = 20;
constexpr unsigned char kLastType = 24;
constexpr unsigned char kClientHello = 1;

}  // namespace

std::size_t TlsHelloGuard::number(std::size_t at, std::size_t bytes) const {
  std::size_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | first_[at + i];
  return value;
}

bool TlsHelloGuard::take(std::string_view bytes) {
  if (count_ == kDone) return true;
  for (const char byte : bytes) {
    if (count_ == first_.size()) break;
    first_[count_++] = static_cast<unsigned char>(byte);
    if (first_[0] != kHandshakeRecord) {
      // OpenSSL skips an alert before the hello, so it must not hide one.
      if (first_[0] >= kFirstType && first_[0] <= kLastType) return false;
      count_ = kDone;
      return true;
    }
    if (count_ == kRecordHeaderBytes && number(3, 2) < kMessageHeaderBytes) return false;
  }
  if (count_ < first_.size()) return true;
  count_ = kDone;
  return first_[kRecordHeaderBytes] != kClientHello ||
         number(kRecordHeaderBytes + 1, 3) <= kHelloBytesMax;
}

}  // namespace ringcache::net
