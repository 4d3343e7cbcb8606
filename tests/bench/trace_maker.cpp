#include "tests/bench/trace_maker.h"

#include <numeric>
#include <utility>
#include <vector>

#include "tests/bench/key_chooser.h"
#include "tests/bench/random.h"

namespace ringcache::bench {
namespace {

constexpr std::uint32_t kNotSeen = UINT32_MAX;
constexpr std::uint64_t kKeyBytes = 20;  // as ringcache-replay makes them; only for the footprint

// Numbers of keys in the order of their requests: popular ones first, then those that are scanned.
class Requests {
 public:
  explicit Requests(const TraceOptions& options)
      : options_(options),
        random_(options.seed),
        chooser_(options.keys, options.zipf),
        key_of_place_(options.keys) {
    std::iota(key_of_place_.begin(), key_of_place_.end(), 0U);
  }

  std::uint32_t next() {
    if (options_.drift_every != 0 && ++since_drift_ >= options_.drift_every) drift();
    if (scan_left_ == 0 && begins_scan()) scan_left_ = options_.scan_run;
    if (scan_left_ == 0) return key_of_place_[chooser_.choose(random_)];
    --scan_left_;
    const std::uint64_t at = scan_at_++ % options_.scan_keys;
    return static_cast<std::uint32_t>(options_.keys + at);
  }

 private:
  // A scan is as long as scan_run requests at once: it begins as rarely as keeps the share.
  bool begins_scan() {
    if (options_.scan_share == 0) return false;
    const double others = static_cast<double>(options_.scan_run) * (1 - options_.scan_share);
    return random_.unit() * (others / options_.scan_share + 1) < 1;
  }

  void drift() {
    since_drift_ = 0;
    const std::uint64_t popular = chooser_.choose(random_);
    std::swap(key_of_place_[popular], key_of_place_[random_.below(options_.keys)]);
  }

  const TraceOptions& options_;
  Random random_;
  KeyChooser chooser_;
  std::vector<std::uint32_t> key_of_place_;
  std::uint64_t since_drift_ = 0;
  std::uint64_t scan_left_ = 0;
  std::uint64_t scan_at_ = 0;
};

}  // namespace

void make_trace(const TraceOptions& options, std::ostream& out) {
  std::vector<std::uint32_t> index_of(options.keys + options.scan_keys, kNotSeen);
  std::vector<std::uint32_t> wanted(options.requests);
  std::uint64_t footprint = 0;
  std::uint64_t seen = 0;
  Requests requests(options);
  for (std::uint32_t& key : wanted) {
    key = requests.next();
    if (index_of[key] != kNotSeen) continue;
    index_of[key] = 0;
    footprint += kKeyBytes + options.sizes.of(key);
    ++seen;
  }
  out << "#mctrace 1 " << options.name << " keys=" << seen << " requests=" << options.requests
      << " footprint=" << footprint << '\n';
  std::fill(index_of.begin(), index_of.end(), kNotSeen);
  std::uint32_t named = 0;
  for (const std::uint32_t key : wanted) {
    if (index_of[key] == kNotSeen) {
      index_of[key] = named++;
      out << '+' << options.sizes.of(key) << '\n';
    } else {
      out << index_of[key] << '\n';
    }
  }
}

}  // namespace ringcache::bench
