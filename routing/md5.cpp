// OpenSSL 3 deprecates the one-shot MD5() in favour of EVP, which allocates a context for every
// digest; a hash per request must not. The macro is OpenSSL's own way to say that this is meant.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "routing/md5.h"

#include <openssl/md5.h>

namespace ringcache::routing {

std::array<std::uint8_t, 16> md5(std::string_view text) {
  static_assert(MD5_DIGEST_LENGTH == 16);
  std::array<std::uint8_t, 16> digest;
  MD5(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

}  // namespace ringcache::routing
