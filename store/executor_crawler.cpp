// Executor: `lru_crawler`. Answers are memcached 1.6.18's, word for word; mgdump is of later ones.
#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>

#include "protocol/number.h"
#include "store/executor.h"

namespace ringcache::store {

using protocol::Request;

namespace {

constexpr std::string_view kOk = "OK";
constexpr std::string_view kError = protocol::kErrorUnknownCommand;
constexpr std::string_view kAlreadyOn = "ERROR failed to start lru crawler thread";
constexpr std::string_view kDisabled = "CLIENT_ERROR lru crawler disabled";
constexpr std::string_view kBadClass = "BADCLASS invalid class id";
constexpr std::string_view kBusy = "BUSY currently processing crawler request";
constexpr std::string_view kDumpNotAllowed = "ERROR metadump not allowed";
constexpr std::string_view kPauseTooLong = "CLIENT_ERROR sleep must be one second or less";

// "1,2,7". Empty: one of them is no class.
std::optional<ClassSet> listed_classes(std::string_view list) {
  ClassSet classes;
  while (!list.empty()) {
    const std::string_view word = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), word.size() + 1));
    std::uint64_t number = 0;
    if (!protocol::parse_digits(word, number) || number == 0 || number >= classes.size()) {
      return std::nullopt;
    }
    classes.set(number);
  }
  return classes;
}

}  // namespace

// "lru_crawler enable|disable", "crawl|metadump|mgdump <classes>|all", "tocrawl <items>", "sleep
// <microseconds>"
Executor::Next Executor::crawler(const Request& request, net::WriteBuffer& out) {
  const auto words = request.args();
  const std::string_view order = words.empty() ? std::string_view{} : words[0];
  std::string_view answer = kError;
  if (words.size() == 1 && order == "enable") {
    answer = host_.sweep().enable() ? kOk : kAlreadyOn;
  } else if (words.size() == 1 && order == "disable") {
    host_.sweep().disable();
    answer = kOk;
  } else if (words.size() == 2 && order == "crawl") {
    answer = crawl(words[1]);
  } else if (words.size() == 2 && order == "metadump") {
    answer = dump(DumpOrder::Format::kMetadump, words[1]);
  } else if (words.size() == 2 && order == "mgdump") {
    answer = dump(DumpOrder::Format::kMgdump, words[1]);
  } else if (words.size() == 2 && (order == "tocrawl" || order == "sleep")) {
    std::uint64_t number = 0;
    if (!protocol::parse_unsigned(words[1], number)) {
      answer = protocol::kErrorBadLineFormat;
    } else if (order == "tocrawl") {
      host_.sweep().set_items_max(number);
      answer = kOk;
    } else if (number > static_cast<std::uint64_t>(kSweepPauseMax.count())) {
      answer = kPauseTooLong;
    } else {
      host_.sweep().set_pause(std::chrono::microseconds(number));
      answer = kOk;
    }
  }
  if (dump_) return Next::kDump;
  write_line(out, answer);
  return Next::kContinue;
}

// The sweep goes by pages, not by classes: all are looked at.
std::string_view Executor::crawl(std::string_view classes) {
  if (!host_.sweep().options().enabled) return kDisabled;
  if (classes != "all" && !listed_classes(classes)) return kBadClass;
  host_.sweep().order();
  return kOk;
}

std::string_view Executor::dump(DumpOrder::Format format, std::string_view classes) {
  if (!rules_.dump) return kDumpNotAllowed;
  if (!host_.sweep().options().enabled) return kDisabled;
  DumpOrder order;
  order.format = format;
  order.shows_cas = rules_.cas;
  if (classes == "all" || classes == "hash") {
    order.classes.set();
  } else if (const auto listed = listed_classes(classes)) {
    order.classes = *listed;
  } else {
    return kBadClass;
  }
  return start_dump(order, kBusy);
}

std::string_view Executor::start_dump(DumpOrder order, std::string_view busy) {
  if (!host_.dumps().take()) return busy;
  dump_ = std::make_unique<ItemDump>(order, host_.dumps(), unix_offset_);
  return {};
}

}  // namespace ringcache::store
