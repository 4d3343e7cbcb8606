#include "net/tls_hello_guard.h"

#include <doctest/doctest.h>

#include <string>

using ringcache::net::kHelloBytesMax;
using ringcache::net::TlsHelloGuard;

namespace {

// The beginning of a record of `record_bytes` with a message of `type` that has `bytes`.
std::string beginning(std::size_t record_bytes, char type, std::size_t bytes) {
  std::string made("\x16\x03\x01", 3);
  made += static_cast<char>(record_bytes >> 8);
  made += static_cast<char>(record_bytes);
  made += type;
  for (const int shift : {16, 8, 0}) made += static_cast<char>(bytes >> shift);
  return made;
}

// All at once, and byte by byte.
bool admits(const std::string& bytes) {
  TlsHelloGuard whole;
  const bool admitted = whole.take(bytes);
  TlsHelloGuard dripping;
  bool all = true;
  for (const char byte : bytes) all = all && dripping.take(std::string(1, byte));
  CHECK(all == admitted);
  return admitted;
}

}  // namespace

TEST_CASE("a hello up to the limit passes, and what comes behind its beginning") {
  CHECK(admits(beginning(512, 1, 508)));
  CHECK(admits(beginning(4, 1, kHelloBytesMax)));
  CHECK(admits(beginning(512, 1, 508) + std::string(503, '\xff')));
}

TEST_CASE("a longer one does not, nor one that does not say how long it is") {
  CHECK_FALSE(admits(beginning(16384, 1, kHelloBytesMax + 1)));
  CHECK_FALSE(admits(beginning(4, 1, 0xFFFFFF)));
  CHECK_FALSE(admits(beginning(3, 1, 100)));
  CHECK_FALSE(admits(beginning(0, 1, 100)));
}

TEST_CASE("no other record comes before the hello") {
  using namespace std::string_literals;
  const std::string alert = "\x15\x03\x01\x00\x02\x01\x5a"s;
  CHECK_FALSE(admits(alert + beginning(4, 1, 0x20140)));
  CHECK_FALSE(admits(alert + beginning(512, 1, 508)));
}

TEST_CASE("what is no hello is left to OpenSSL") {
  CHECK(admits("get k\r\nget k\r\n"));
  for (const char byte : {'\0', '\x01', '\x80', '\xff'}) CHECK(admits(std::string(100, byte)));
  CHECK(admits(beginning(512, 2, 0xFFFFFF)));
  CHECK(admits(""));
}
