// Executor: the orders of an administrator. Answers are memcached 1.6.18's, word for word.
#include <charconv>
#include <optional>
#include <string_view>

#include "store/decimal.h"
#include "store/executor.h"

namespace ringcache::store {

using protocol::Command;
using protocol::Request;

namespace {

constexpr std::string_view kFactorsTooSmall = "ERROR hot/warm age factors must be greater than 0";
constexpr std::string_view kPercentsTooLarge = "ERROR hot and warm pcts must not exceed 80";
constexpr std::string_view kOtherPolicy =
    "CLIENT_ERROR the eviction policy has no lists (-o eviction=segmented-lru has)";
constexpr std::string_view kLimitTooSmall =
    "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 1m";
constexpr std::string_view kLimitFailed =
    "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes, or more than is reserved";
constexpr std::string_view kShutdownDisabled = "ERROR: shutdown not enabled";
constexpr std::string_view kBadShutdown = "CLIENT_ERROR invalid shutdown mode";
constexpr std::size_t kLimitMibMax = SIZE_MAX / kMiB;

template <typename Number>
std::optional<Number> number(std::string_view word) {
  Number value{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

std::string_view answer_of(ReassignStatus status) {
  switch (status) {
    case ReassignStatus::kOk:
      return "OK";
    case ReassignStatus::kBusy:
      return "BUSY currently processing reassign request";
    case ReassignStatus::kBadClass:
      return "BADCLASS invalid src or dst class id";
    case ReassignStatus::kNoSpare:
      return "NOSPARE source class has no spare pages";
    case ReassignStatus::kSame:
      break;
  }
  return "SAME src and dst class are identical";
}

constexpr std::string_view kOk = "OK";
constexpr std::string_view kError = protocol::kErrorUnknownCommand;

}  // namespace

void Executor::administer(const Request& request, net::WriteBuffer& out) {
  auto words = request.args();
  if (request.quiet) words = words.first(words.size() - 1);
  std::string_view answer;
  outside_batch([&] {
    switch (request.command) {
      case Command::kLru:
        answer = lru(words);
        break;
      case Command::kSlabs:
        answer = slabs(words);
        break;
      default:
        answer = memory_limit(words);
        break;
    }
  });
  if (!request.quiet) write_line(out, answer);
}

// "lru tune <hot%> <warm%> <hot factor> <warm factor>", "lru mode flat|segmented", "lru temp_ttl
// <seconds>" (negative: no temporary list)
std::string_view Executor::lru(std::span<const std::string_view> words) {
  if (words.size() < 2) return kError;
  LruTuning tuning = store_.lru_tuning();
  if (words[0] == "tune") {
    if (words.size() < 5) return kError;
    const auto hot = number<unsigned>(words[1]);
    const auto warm = number<unsigned>(words[2]);
    const auto hot_factor = number<double>(words[3]);
    const auto warm_factor = number<double>(words[4]);
    if (!hot || !warm || !hot_factor || !warm_factor) return kError;
    if (*hot > 80 || *warm > 80 || *hot + *warm > 80) return kPercentsTooLarge;
    if (!(*hot_factor > 0) || !(*warm_factor > 0)) return kFactorsTooSmall;
    tuning.hot_percent = *hot;
    tuning.warm_percent = *warm;
    tuning.hot_age_factor = *hot_factor;
    tuning.warm_age_factor = *warm_factor;
  } else if (words[0] == "mode" && (words[1] == "flat" || words[1] == "segmented")) {
    tuning.flat = words[1] == "flat";
  } else if (words[0] == "temp_ttl") {
    const auto seconds = number<std::int32_t>(words[1]);
    if (!seconds) return kError;
    tuning.temporary_ttl.reset();
    if (*seconds >= 0) tuning.temporary_ttl = static_cast<Seconds>(*seconds);
  } else {
    return kError;
  }
  return store_.tune_lru(tuning) ? kOk : kOtherPolicy;
}

// "slabs reassign <from> <to>" (from -1: any), "slabs automove 0|1|2 [<ratio>]": pages move by a
// rule of our own, in which memcached's ratio has no place.
std::string_view Executor::slabs(std::span<const std::string_view> words) {
  if (words.size() == 3 && words[0] == "reassign") {
    const auto from = number<std::int32_t>(words[1]);
    const auto to = number<std::int32_t>(words[2]);
    if (!from || !to) return protocol::kErrorBadLineFormat;
    if (*from == *to) return answer_of(ReassignStatus::kSame);
    if (*from < -1 || *to < 0) return answer_of(ReassignStatus::kBadClass);
    std::optional<unsigned> source;
    if (*from >= 0) source = static_cast<unsigned>(*from);
    return answer_of(store_.reassign_page(source, static_cast<unsigned>(*to), now_));
  }
  if ((words.size() == 2 || words.size() == 3) && words[0] == "automove") {
    const auto mode = number<std::uint32_t>(words[1]);
    if (!mode) return protocol::kErrorBadLineFormat;
    if (*mode > 2) return kError;
    store_.set_automove(*mode != 0);
    return kOk;
  }
  return kError;
}

// "cache_memlimit <MiB>"
std::string_view Executor::memory_limit(std::span<const std::string_view> words) {
  if (words.empty()) return kError;
  const auto mib = number<std::uint64_t>(words[0]);
  if (!mib) return kError;
  if (*mib == 0) return kLimitTooSmall;
  if (*mib > kLimitMibMax || !store_.set_memory_limit(*mib * kMiB, now_)) return kLimitFailed;
  return kOk;
}

// "shutdown [graceful]": both let what has begun end, as SIGTERM does.
Executor::Next Executor::shut_down(const Request& request, net::WriteBuffer& out) {
  const auto words = request.args();
  if (!rules_.shutdown) {
    write_line(out, kShutdownDisabled);
    return Next::kContinue;
  }
  if (words.size() > 1 || (words.size() == 1 && words[0] != "graceful")) {
    write_line(out, kBadShutdown);
    return Next::kContinue;
  }
  outside_batch([&] { host_.shut_down(); });
  return Next::kClose;
}

}  // namespace ringcache::store
