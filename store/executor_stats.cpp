// Executor: `stats` and what memcached has under it.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "protocol/number.h"
#include "store/executor.h"
#include "store/executor_prefixes.h"

namespace ringcache::store {

using protocol::Request;

namespace {

constexpr std::string_view kCachedumpNotAllowed = "CLIENT_ERROR stats cachedump not allowed";
constexpr std::string_view kCachedumpUsage = "CLIENT_ERROR bad command line";
constexpr std::string_view kBadSlabClass = "CLIENT_ERROR Illegal slab id";
constexpr std::string_view kBusy = "SERVER_ERROR too many listings at once";

}  // namespace

Executor::Next Executor::stats(const Request& request, net::WriteBuffer& out) {
  struct Row {
    std::string_view name;
    StatsKind kind;
  };
  static constexpr std::array kRows{
      Row{"settings", StatsKind::kSettings}, Row{"items", StatsKind::kItems},
      Row{"slabs", StatsKind::kSlabs}, Row{"conns", StatsKind::kConns}};

  const auto words = request.args();
  const std::string_view topic = words.empty() ? std::string_view{} : words[0];
  const auto* row =
      std::find_if(kRows.begin(), kRows.end(), [&](const Row& each) { return each.name == topic; });
  if (words.empty()) {
    stats_of_host(StatsKind::kGeneral, out);
  } else if (row != kRows.end()) {
    stats_of_host(row->kind, out);
  } else if (topic == "reset") {
    outside_batch([&] { host_.reset_stats(); });
    out.append(protocol::kReset);
  } else if (topic == "detail") {
    return stats_detail(words.size() > 1 ? words[1] : "", out);
  } else if (topic == "cachedump") {
    return stats_cachedump(words.subspan(1), out);
  } else if (topic == "sizes" || topic == "sizes_enable" || topic == "sizes_disable") {
    return stats_sizes(topic, out);
  } else if (topic == "extstore") {
    out.append(protocol::kEnd);  // there is none, as in most memcacheds
  } else {
    write_line(out, protocol::kErrorUnknownCommand);
  }
  return Next::kContinue;
}

void Executor::stats_of_host(StatsKind kind, net::WriteBuffer& out) {
  std::string text;
  outside_batch([&] { host_.append_stats(kind, now_, text); });
  out.append(text);
  out.append(protocol::kEnd);
}

Executor::Next Executor::stats_detail(std::string_view word, net::WriteBuffer& out) {
  if (word == "on" || word == "off") {
    host_.prefix_counts().set_enabled(word == "on");
    out.append(protocol::kOk);
  } else if (word != "dump") {
    write_line(out, protocol::kErrorStatsDetailUsage);
  } else if (host_.dumps().take()) {
    outside_batch(
        [&] { dump_ = std::make_unique<PrefixDump>(host_.prefix_counts(), host_.dumps()); });
    return Next::kDump;
  } else {
    write_line(out, kBusy);
  }
  return Next::kContinue;
}

Executor::Next Executor::stats_sizes(std::string_view word, net::WriteBuffer& out) {
  if (word != "sizes") host_.dumps().set_sizes_enabled(word == "sizes_enable");
  if (word != "sizes" || !host_.dumps().sizes_enabled()) {
    write_line(out, host_.dumps().sizes_enabled() ? "STAT sizes_status enabled"
                                                  : "STAT sizes_status disabled");
    out.append(protocol::kEnd);
    return Next::kContinue;
  }
  DumpOrder order;
  order.format = DumpOrder::Format::kSizes;
  order.classes.set();
  const std::string_view refused = start_dump(order, kBusy);
  if (dump_) return Next::kDump;
  write_line(out, refused);
  return Next::kContinue;
}

// "<class> <items>", 0 items = all
Executor::Next Executor::stats_cachedump(std::span<const std::string_view> words,
                                         net::WriteBuffer& out) {
  DumpOrder order;
  order.format = DumpOrder::Format::kCachedump;
  std::uint64_t number = 0;
  std::string_view refused;
  if (!rules_.dump) {
    refused = kCachedumpNotAllowed;
  } else if (words.size() < 2) {
    refused = kCachedumpUsage;
  } else if (!protocol::parse_unsigned(words[0], number) ||
             !protocol::parse_unsigned(words[1], order.items_max)) {
    refused = protocol::kErrorBadLineFormat;
  } else if (number >= order.classes.size()) {
    refused = kBadSlabClass;
  } else {
    order.classes.set(number);
    refused = start_dump(order, kBusy);
  }
  if (dump_) return Next::kDump;
  write_line(out, refused);
  return Next::kContinue;
}

}  // namespace ringcache::store
