#include "protocol/base64.h"

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace ringcache::protocol;

std::string encoded(std::string_view bytes) {
  std::string out(base64_encoded_bytes(bytes.size()), '?');
  const char* const end = base64_encode(out.data(), bytes);
  CHECK(end == out.data() + out.size());
  return out;
}

std::string decoded(std::string_view text) {
  std::string out(text.size() / 4 * 3, '?');
  out.resize(base64_decode(out.data(), text));
  return out;
}

TEST_CASE("the vectors of RFC 4648") {
  CHECK(encoded("") == "");
  CHECK(encoded("f") == "Zg==");
  CHECK(encoded("fo") == "Zm8=");
  CHECK(encoded("foo") == "Zm9v");
  CHECK(encoded("foob") == "Zm9vYg==");
  CHECK(encoded("fooba") == "Zm9vYmE=");
  CHECK(encoded("foobar") == "Zm9vYmFy");
}

TEST_CASE("all byte values and lengths survive a round trip") {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    bytes += static_cast<char>(i * 7);
    CHECK(decoded(encoded(bytes)) == bytes);
  }
}

TEST_CASE("the leniency of memcached") {
  CHECK(decoded("Zm@9v") == "foo");  // strangers are skipped
  CHECK(decoded("Zm9v@@") == "foo");
  CHECK(decoded("Zm9=") == "fo");     // low bits of a padded group do not matter
  CHECK(decoded("Zg==Zg==") == "f");  // a padded group ends the text
  CHECK(decoded("Zm=v") == "f`");     // padding in the middle counts as zero bits
  CHECK(decoded("") == "");
  CHECK(decoded("@@@@") == "");
  CHECK(decoded("Zg") == "");  // not a multiple of four
  CHECK(decoded("Zg=") == "");
  CHECK(decoded("Z===") == "");  // more padding than a group can have
  CHECK(decoded("====") == "");
  CHECK(decoded("Zm9vZ===") == "");
}

}  // namespace
