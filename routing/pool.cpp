#include "routing/pool.h"

#include <utility>

namespace ringcache::routing {
namespace {

std::string make_ring_hash(const Ring& ring, std::string_view tag) {
  std::string text = ring.fingerprint();
  if (!tag.empty()) {
    text += '-';
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (const char c : tag) {  // as hex: a tag may be any two bytes, a metric label may not
      text += kDigits[static_cast<unsigned char>(c) >> 4];
      text += kDigits[static_cast<unsigned char>(c) & 0xf];
    }
  }
  return text;
}

}  // namespace

Pool::Pool(PoolOptions options)
    : options_(std::move(options)),
      ring_(options_.ring, options_.key_hash(), options_.backends),
      ring_hash_(make_ring_hash(ring_, options_.hash_tag)) {}

Pool::Pool(PoolOptions options, Ring ring)
    : options_(std::move(options)),
      ring_(std::move(ring)),
      ring_hash_(make_ring_hash(ring_, options_.hash_tag)) {}

}  // namespace ringcache::routing
