#include "config/rate_fields.h"

#include "config/value_codecs.h"

namespace ringcache::config {
namespace {

using routing::PrefixRate;
using routing::RateLimitOptions;
using routing::RateOptions;

const Table<RateOptions>& rate_table() {
  static const Table<RateOptions> kTable = [] {
    Table<RateOptions> t;
    t.add("per_second", &RateOptions::per_second, count(0, routing::kRateMax),
          "Keys a second, over all clients of this process; 0: no limit.");
    t.add("burst", &RateOptions::burst, count(0, routing::kRateMax),
          "Keys at once after a rest; 0: as many as in a second.");
    return t;
  }();
  return kTable;
}

const Table<PrefixRate>& prefix_rate_table() {
  static const Table<PrefixRate> kTable = [] {
    Table<PrefixRate> t;
    t.add("prefix", &PrefixRate::prefix, key_prefix(),
          "Keys that begin so; of several the longest counts.")
        .required();
    t.add("gets", &PrefixRate::gets, object_of(rate_table()), "Of keys that are read.");
    t.add("sets", &PrefixRate::sets, object_of(rate_table()), "Of keys that are stored.");
    return t;
  }();
  return kTable;
}

}  // namespace

const Table<RateLimitOptions>& rate_limit_table() {
  static const Table<RateLimitOptions> kTable = [] {
    Table<RateLimitOptions> t;
    t.add("gets", &RateLimitOptions::gets, object_of(rate_table()),
          "Of keys that are read; those above it are misses.");
    t.add("sets", &RateLimitOptions::sets, object_of(rate_table()),
          "Of keys that are stored, counted up or down; those above it are refused with "
          "`SERVER_ERROR rate limit reached`. Deletes and touch have no limit.");
    t.add("prefixes", &RateLimitOptions::prefixes,
          list_of(object_of(prefix_rate_table()), 0, routing::kRatePrefixesMax, "prefixes"),
          "Limits of some keys, beside the pool's.");
    return t;
  }();
  return kTable;
}

}  // namespace ringcache::config
