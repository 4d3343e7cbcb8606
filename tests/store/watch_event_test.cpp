#include "store/watch_event.h"

#include <doctest/doctest.h>

#include <array>
#include <cctype>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace ringcache::store {
namespace {

std::string line_of(const WatchEvent& event, std::string_view text) {
  std::array<char, kWatchLineBytesMax> line;
  const char* const end = write_watch_line(line.data(), event, text);
  return {line.data(), static_cast<std::size_t>(end - line.data())};
}

std::string encoded(std::string_view bytes) {
  std::array<char, 3 * 256> text;
  const char* const end = write_uri_encoded(text.data(), bytes);
  return {text.data(), static_cast<std::size_t>(end - text.data())};
}

WatchEvent event_of(WatchEventType type) {
  WatchEvent event;
  event.type = type;
  event.gid = 7;
  event.unix_us = 1'700'000'000'000'123;
  event.fd = 19;
  return event;
}

}  // namespace

TEST_CASE("every byte of a key is as it is or %NN, and comes back") {
  for (int value = 0; value < 256; ++value) {
    CAPTURE(value);
    const char byte = static_cast<char>(value);
    const std::string text = encoded({&byte, 1});
    const bool plain = value < 128 && (std::isalnum(value) != 0 || value == '-' || value == '.' ||
                                       value == '_' || value == '~');
    if (plain) {
      CHECK(text == std::string(1, byte));
      continue;
    }
    REQUIRE(text.size() == 3);
    CHECK(text[0] == '%');
    CHECK(std::stoi(text.substr(1), nullptr, 16) == value);
    for (const char digit : text.substr(1)) CHECK(std::islower(digit) == 0);
  }
  // As memcached 1.6.18 writes it.
  CHECK(encoded("\"a%b\x01\x7f\xff,/:~!*'()._-") ==
        "%22a%25b%01%7F%FF%2C%2F%3A~%21%2A%27%28%29._-");
  CHECK(encoded("") == "");
}

TEST_CASE("a fetch") {
  WatchEvent event = event_of(WatchEventType::kItemGet);
  CHECK(line_of(event, "a b") ==
        "ts=1700000000.000123 gid=7 type=item_get key=a%20b status=not_found clsid=0 cfd=19 "
        "size=0\n");
  event.fetch = FetchOutcome::kFound;
  event.slab_class = 12;
  event.value_bytes = 345;
  CHECK(line_of(event, "k") ==
        "ts=1700000000.000123 gid=7 type=item_get key=k status=found clsid=12 cfd=19 size=345\n");
  event.fetch = FetchOutcome::kFlushed;
  CHECK(line_of(event, "k").find(" status=flushed ") != std::string::npos);
  event.fetch = FetchOutcome::kExpired;
  CHECK(line_of(event, "k").find(" status=expired ") != std::string::npos);
}

TEST_CASE("a store") {
  WatchEvent event = event_of(WatchEventType::kItemStore);
  event.outcome = StoreOutcome::kStored;
  event.verb = StoreVerb::kCas;
  event.ttl_s = 48;
  event.slab_class = 1;
  event.value_bytes = 6;
  CHECK(line_of(event, "m") ==
        "ts=1700000000.000123 gid=7 type=item_store key=m status=stored cmd=cas ttl=48 clsid=1 "
        "cfd=19 size=6\n");
  event.ttl_s = -68;  // stored dead
  CHECK(line_of(event, "m").find(" ttl=4294967228 ") != std::string::npos);

  const std::array outcomes{"not_stored", "stored",    "exists",
                            "not_found",  "too_large", "no_memory"};
  for (std::size_t at = 0; at < outcomes.size(); ++at) {
    event.outcome = static_cast<StoreOutcome>(at);
    const std::string part = std::string(" status=") + outcomes[at] + " cmd=cas";
    CHECK(line_of(event, "m").find(part) != std::string::npos);
  }
  const std::array verbs{"add", "set", "replace", "append", "prepend", "cas"};
  for (std::size_t at = 0; at < verbs.size(); ++at) {
    event.verb = static_cast<StoreVerb>(at);
    const std::string part = std::string(" cmd=") + verbs[at] + " ttl=";
    CHECK(line_of(event, "m").find(part) != std::string::npos);
  }
}

TEST_CASE("an eviction") {
  WatchEvent event = event_of(WatchEventType::kEviction);
  event.ttl_s = -1;
  event.idle_s = 3;
  event.slab_class = 19;
  event.value_bytes = 5000;
  CHECK(line_of(event, "key0") ==
        "ts=1700000000.000123 gid=7 type=eviction key=key0 fetch=no ttl=-1 la=3 clsid=19 "
        "size=5000\n");
  event.fetched = true;
  event.ttl_s = 500;
  CHECK(line_of(event, "k").find(" fetch=yes ttl=500 la=3 ") != std::string::npos);
}

TEST_CASE("a deletion") {
  WatchEvent event = event_of(WatchEventType::kDeletion);
  event.slab_class = 5;
  event.value_bytes = 77;
  CHECK(line_of(event, "a b") ==
        "ts=1700000000.000123 gid=7 type=deleted key=a%20b cmd=delete clsid=5 size=77\n");
  event.by_meta = true;
  CHECK(line_of(event, "k").find(" cmd=md clsid=5 ") != std::string::npos);
  CHECK(watch_class(WatchEventType::kDeletion) == kWatchDeletions);
}

TEST_CASE("connections") {
  WatchEvent event = event_of(WatchEventType::kConnNew);
  event.port = 51620;
  CHECK(line_of(event, "127.0.0.1") ==
        "ts=1700000000.000123 gid=7 type=conn_new rip=127.0.0.1 rport=51620 transport=tcp "
        "cfd=19\n");
  event.type = WatchEventType::kConnClose;
  const std::array ends{"error", "normal", "idle_timeout", "shutdown"};
  for (std::size_t at = 0; at < ends.size(); ++at) {
    event.end = static_cast<ConnectionEnd>(at);
    CHECK(line_of(event, "::1") ==
          std::string("ts=1700000000.000123 gid=7 type=conn_close rip=::1 rport=51620 "
                      "transport=tcp reason=") +
              ends[at] + " cfd=19\n");
  }
  event.transport = Transport::kLocal;
  CHECK(line_of(event, "unix").find(" rip=unix rport=51620 transport=local ") != std::string::npos);
}

TEST_CASE("the longest lines have room") {
  const std::string key(kWatchTextBytesMax, '\xff');
  for (const WatchEventType type : {WatchEventType::kItemGet, WatchEventType::kItemStore,
                                    WatchEventType::kEviction, WatchEventType::kDeletion}) {
    WatchEvent event = event_of(type);
    event.gid = std::numeric_limits<std::uint64_t>::max();
    event.unix_us = std::numeric_limits<std::int64_t>::max();
    event.ttl_s = std::numeric_limits<std::int64_t>::min();
    event.fd = std::numeric_limits<std::int32_t>::min();
    event.value_bytes = event.idle_s = std::numeric_limits<std::uint32_t>::max();
    event.slab_class = std::numeric_limits<std::uint16_t>::max();
    event.verb = StoreVerb::kReplace;
    CHECK(line_of(event, key).size() <= kWatchLineBytesMax);
    CHECK(line_of(event, key).size() > 3 * kWatchTextBytesMax);
  }
  std::array<char, kSkippedLineBytesMax> line;
  const char* const end =
      write_skipped_line(line.data(), std::numeric_limits<std::uint64_t>::max());
  CHECK(std::string_view(line.data(), static_cast<std::size_t>(end - line.data())) ==
        "skipped=18446744073709551615\n");
}

TEST_CASE("names of classes") {
  WatchClasses classes = 0;
  for (const char* silent : {"sysevents", "rawcmds", "proxyreqs", "proxyevents", "proxyuser"}) {
    CHECK(add_watch_class(silent, classes));
  }
  CHECK(classes == 0);
  CHECK(add_watch_class("fetchers", classes));
  CHECK(add_watch_class("connevents", classes));
  CHECK(classes == (kWatchFetchers | kWatchConnections));
  CHECK(add_watch_class("mutations", classes));
  CHECK(add_watch_class("evictions", classes));
  CHECK(classes == 15);
  CHECK(add_watch_class("deletions", classes));
  CHECK(classes == 31);
  for (const char* unknown : {"", "deletion", "FETCHERS", "fetcher", "noreply", "fetchers2"}) {
    CHECK_FALSE(add_watch_class(unknown, classes));
  }
  CHECK(watch_class(WatchEventType::kItemGet) == kWatchFetchers);
  CHECK(watch_class(WatchEventType::kItemStore) == kWatchMutations);
  CHECK(watch_class(WatchEventType::kEviction) == kWatchEvictions);
  CHECK(watch_class(WatchEventType::kConnNew) == kWatchConnections);
  CHECK(watch_class(WatchEventType::kConnClose) == kWatchConnections);
}

}  // namespace ringcache::store
