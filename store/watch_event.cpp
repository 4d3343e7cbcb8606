#include "store/watch_event.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace ringcache::store {

namespace {

struct ClassName {
  std::string_view name;
  WatchClasses bit;
};

constexpr std::array kClassNames{
    ClassName{"fetchers", kWatchFetchers},     ClassName{"mutations", kWatchMutations},
    ClassName{"evictions", kWatchEvictions},   ClassName{"connevents", kWatchConnections},
    ClassName{"deletions", kWatchDeletions},   ClassName{"sysevents", WatchClasses{0}},
    ClassName{"rawcmds", WatchClasses{0}},     ClassName{"proxyreqs", WatchClasses{0}},
    ClassName{"proxyevents", WatchClasses{0}}, ClassName{"proxyuser", WatchClasses{0}},
};

// In the order of the enums.
constexpr std::array<std::string_view, 4> kFetchNames{"not_found", "found", "flushed", "expired"};
constexpr std::array<std::string_view, 6> kStoreNames{"not_stored", "stored",    "exists",
                                                      "not_found",  "too_large", "no_memory"};
constexpr std::array<std::string_view, 6> kVerbNames{"add",    "set",     "replace",
                                                     "append", "prepend", "cas"};
constexpr std::array<std::string_view, 2> kTransportNames{"local", "tcp"};
constexpr std::array<std::string_view, 4> kEndNames{"error", "normal", "idle_timeout", "shutdown"};

template <typename Names, typename Enum>
std::string_view name_of(const Names& names, Enum value) {
  return names[static_cast<std::size_t>(value)];
}

bool stays(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// Appends to a line that has room.
struct Line {
  char* at;

  Line& text(std::string_view bytes) {
    at = std::copy(bytes.begin(), bytes.end(), at);
    return *this;
  }
  template <typename Number>
  Line& number(Number value) {
    at = std::to_chars(at, at + 20, value).ptr;
    return *this;
  }
  // Digits of a fraction, all six: memcached leaves zeros out, which moves the point.
  Line& micros(std::int64_t value) {
    for (std::int64_t place = 100'000; place > 0; place /= 10) {
      *at++ = static_cast<char>('0' + value / place % 10);
    }
    return *this;
  }
  Line& key(std::string_view bytes) {
    at = write_uri_encoded(at, bytes);
    return *this;
  }
};

void write_item_get(Line& line, const WatchEvent& event, std::string_view key) {
  line.text("item_get key=").key(key);
  line.text(" status=").text(name_of(kFetchNames, event.fetch));
  line.text(" clsid=").number(event.slab_class).text(" cfd=").number(event.fd);
  line.text(" size=").number(event.value_bytes);
}

void write_item_store(Line& line, const WatchEvent& event, std::string_view key) {
  line.text("item_store key=").key(key);
  line.text(" status=").text(name_of(kStoreNames, event.outcome));
  line.text(" cmd=").text(name_of(kVerbNames, event.verb));
  line.text(" ttl=").number(static_cast<std::uint32_t>(event.ttl_s));
  line.text(" clsid=").number(event.slab_class).text(" cfd=").number(event.fd);
  line.text(" size=").number(event.value_bytes);
}

void write_eviction(Line& line, const WatchEvent& event, std::string_view key) {
  line.text("eviction key=").key(key).text(" fetch=").text(event.fetched ? "yes" : "no");
  line.text(" ttl=").number(event.ttl_s).text(" la=").number(event.idle_s);
  line.text(" clsid=").number(event.slab_class).text(" size=").number(event.value_bytes);
}

void write_deletion(Line& line, const WatchEvent& event, std::string_view key) {
  line.text("deleted key=").key(key).text(" cmd=").text(event.by_meta ? "md" : "delete");
  line.text(" clsid=").number(event.slab_class).text(" size=").number(event.value_bytes);
}

void write_connection(Line& line, const WatchEvent& event, std::string_view ip) {
  const bool closed = event.type == WatchEventType::kConnClose;
  line.text(closed ? "conn_close" : "conn_new").text(" rip=").text(ip);
  line.text(" rport=").number(event.port);
  line.text(" transport=").text(name_of(kTransportNames, event.transport));
  if (closed) line.text(" reason=").text(name_of(kEndNames, event.end));
  line.text(" cfd=").number(event.fd);
}

}  // namespace

bool add_watch_class(std::string_view name, WatchClasses& classes) {
  const auto* row = std::find_if(kClassNames.begin(), kClassNames.end(),
                                 [&](const ClassName& each) { return each.name == name; });
  if (row == kClassNames.end()) return false;
  classes = static_cast<WatchClasses>(classes | row->bit);
  return true;
}

WatchClasses watch_class(WatchEventType type) {
  switch (type) {
    case WatchEventType::kItemGet:
      return kWatchFetchers;
    case WatchEventType::kItemStore:
      return kWatchMutations;
    case WatchEventType::kEviction:
      return kWatchEvictions;
    case WatchEventType::kDeletion:
      return kWatchDeletions;
    case WatchEventType::kConnNew:
    case WatchEventType::kConnClose:
      break;
  }
  return kWatchConnections;
}

char* write_uri_encoded(char* out, std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char each : bytes) {
    const auto c = static_cast<unsigned char>(each);
    if (stays(c)) {
      *out++ = each;
    } else {
      *out++ = '%';
      *out++ = kHex[c >> 4];
      *out++ = kHex[c & 15];
    }
  }
  return out;
}

char* write_watch_line(char* out, const WatchEvent& event, std::string_view text) {
  Line line{out};
  line.text("ts=").number(event.unix_us / 1'000'000).text(".").micros(event.unix_us % 1'000'000);
  line.text(" gid=").number(event.gid).text(" type=");
  switch (event.type) {
    case WatchEventType::kItemGet:
      write_item_get(line, event, text);
      break;
    case WatchEventType::kItemStore:
      write_item_store(line, event, text);
      break;
    case WatchEventType::kEviction:
      write_eviction(line, event, text);
      break;
    case WatchEventType::kDeletion:
      write_deletion(line, event, text);
      break;
    case WatchEventType::kConnNew:
    case WatchEventType::kConnClose:
      write_connection(line, event, text);
      break;
  }
  return line.text("\n").at;
}

char* write_skipped_line(char* out, std::uint64_t skipped) {
  return Line{out}.text("skipped=").number(skipped).text("\n").at;
}

}  // namespace ringcache::store
