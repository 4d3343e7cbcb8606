#include "store/node_extended_options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>

#include "store/eviction.h"
#include "store/node_tls_words.h"

namespace ringcache::store {

namespace {

// One word that is taken. `apply` returns what is wrong with the value, or nothing.
struct Word {
  std::string_view name;
  std::string_view value;  // how the help shows it; in brackets: may be left out; empty: none
  std::string_view help;
  std::string (*apply)(std::string_view value, NodeOptions& options);
};

constexpr double kAgeFactorMax = 1000;

bool parse_unsigned(std::string_view text, unsigned max, unsigned& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && out <= max;
}

std::string set_percent(std::string_view value, unsigned& percent) {
  unsigned parsed = 0;
  if (!parse_unsigned(value, 80, parsed) || parsed == 0) return "must be a number from 1 to 80";
  percent = parsed;
  return "";
}

// `bytes` of a buffer that is given in KiB.
std::string set_buffer(std::string_view value, std::size_t& bytes) {
  unsigned kib = 0;
  if (!parse_unsigned(value, 65'536, kib) || kib == 0) {
    return "must be a number of KiB from 1 to 65536";
  }
  bytes = std::size_t{kib} * 1024;
  return "";
}

std::string set_seconds(std::string_view value, std::chrono::seconds& seconds) {
  unsigned parsed = 0;
  if (!parse_unsigned(value, 31'536'000, parsed)) return "must be a number of seconds";
  seconds = std::chrono::seconds(parsed);
  return "";
}

std::string set_factor(std::string_view value, double& factor) {
  double parsed = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
  if (error != std::errc{} || end != value.data() + value.size() || !(parsed > 0) ||
      parsed > kAgeFactorMax) {
    return "must be a number above 0 and up to 1000";
  }
  factor = parsed;
  return "";
}

std::string nothing_to_do(std::string_view, NodeOptions&) {
  return "";
}

// Of items and their memory.
constexpr std::array kMemoryWords{
    Word{"eviction", "=hit-density|segmented-lru",
         "who leaves when memory is full: the item that brings the fewest hits for its bytes "
         "(default), or as memcached's lists say",
         [](std::string_view value, NodeOptions& options) -> std::string {
           const auto kind = eviction_kind(value);
           if (!kind) return "must be hit-density or segmented-lru";
           options.store.eviction = *kind;
           return "";
         }},
    Word{"hot_max_factor", "=N",
         "an item of the hot list moves on when it is older than this part of the age of the cold "
         "list (default 0.2)",
         [](std::string_view value, NodeOptions& options) {
           return set_factor(value, options.store.lru.hot_age_factor);
         }},
    Word{"warm_max_factor", "=N", "the same of the warm list (default 2.0)",
         [](std::string_view value, NodeOptions& options) {
           return set_factor(value, options.store.lru.warm_age_factor);
         }},
    Word{"temporary_ttl", "=SECONDS",
         "items stored to expire within this time are evicted last (default: no such list)",
         [](std::string_view value, NodeOptions& options) -> std::string {
           unsigned seconds = 0;
           if (!parse_unsigned(value, 31'536'000, seconds)) return "must be a number of seconds";
           options.store.lru.temporary_ttl = seconds;
           return "";
         }},
    Word{"count_hash_table", "",
         "keep items and hash table together within -m (default: the table comes on top, about 14 "
         "bytes an item)",
         [](std::string_view, NodeOptions& options) -> std::string {
           options.store.count_table = true;
           return "";
         }},
    Word{"no_huge_pages", "",
         "touch memory as it is needed, in pages of 4 KiB (default: 2 MiB ahead of use, in a huge "
         "page, unless the system says never)",
         [](std::string_view, NodeOptions& options) -> std::string {
           options.prepare_huge_pages = false;
           return "";
         }},
    Word{"slab_automove", "[=0|1|2]",
         "whether slab pages move to where they bring more hits (default 1; 2 is the same)",
         [](std::string_view value, NodeOptions& options) -> std::string {
           unsigned mode = 1;
           if (!value.empty() && !parse_unsigned(value, 2, mode)) return "must be 0, 1 or 2";
           options.store.automove = mode != 0;
           return "";
         }},
    Word{"no_slab_automove", "", "the same as slab_automove=0",
         [](std::string_view, NodeOptions& options) -> std::string {
           options.store.automove = false;
           return "";
         }},
    Word{"hot_lru_pct", "=N", "percent of a slab class for new items (default 20)",
         [](std::string_view value, NodeOptions& options) {
           return set_percent(value, options.store.lru.hot_percent);
         }},
    Word{"warm_lru_pct", "=N", "percent of a slab class for items read again (default 40)",
         [](std::string_view value, NodeOptions& options) {
           return set_percent(value, options.store.lru.warm_percent);
         }},
    Word{"modern", "", "taken for compatibility: what it stood for is always on", nothing_to_do},
    Word{"lru_maintainer", "", "the same", nothing_to_do},
};

// Of the sweep for expired items, and what is counted for `stats`.
constexpr std::array kSweepWords{
    Word{"lru_crawler", "", "look for expired items in the background (default)",
         [](std::string_view, NodeOptions& options) -> std::string {
           options.sweep.enabled = true;
           return "";
         }},
    Word{"no_lru_crawler", "", "do not: they go when their memory is needed",
         [](std::string_view, NodeOptions& options) -> std::string {
           options.sweep.enabled = false;
           return "";
         }},
    Word{"lru_crawler_sleep", "=MICROSECONDS",
         "pause after each 1,000 chunks of a round that `lru_crawler crawl` orders (default 100)",
         [](std::string_view value, NodeOptions& options) -> std::string {
           unsigned pause = 0;
           if (!parse_unsigned(value, kSweepPauseMax.count(), pause)) {
             return "must be a number of microseconds up to 1000000";
           }
           options.sweep.pause = std::chrono::microseconds(pause);
           return "";
         }},
    Word{"lru_crawler_tocrawl", "=N",
         "chunks that such a round looks at, for each slab class (default 0, all)",
         [](std::string_view value, NodeOptions& options) -> std::string {
           unsigned items = 0;
           if (!parse_unsigned(value, UINT32_MAX, items)) return "must be a number";
           options.sweep.items_max = items;
           return "";
         }},
    Word{"track_sizes", "", "taken for compatibility: `stats sizes` is always there",
         nothing_to_do},
    Word{"slab_reassign", "", "the same", nothing_to_do},
};

// Of connections and those who watch.
constexpr std::array kConnectionWords{
    Word{"idle_timeout", "=SECONDS",
         "close connections that send nothing and read nothing (default 0, never)",
         [](std::string_view value, NodeOptions& options) {
           return set_seconds(value, options.idle_timeout);
         }},
    Word{
        "upload_timeout", "=SECONDS",
        "close connections whose value takes longer than this and 1 s for each 64 KiB (default 30; "
        "0 is never)",
        [](std::string_view value, NodeOptions& options) {
          return set_seconds(value, options.upload_timeout);
        }},
    Word{
        "auth_timeout", "=SECONDS",
        "with -Y: close connections that have not sent a password by then (default 30; 0 is never)",
        [](std::string_view value, NodeOptions& options) {
          return set_seconds(value, options.auth_timeout);
        }},
    Word{"worker_logbuf_size", "=KIB", "events that a thread keeps for watchers (default 64)",
         [](std::string_view value, NodeOptions& options) {
           return set_buffer(value, options.watch.worker_log_bytes);
         }},
    Word{"watcher_logbuf_size", "=KIB", "lines that wait for one watcher (default 256)",
         [](std::string_view value, NodeOptions& options) {
           return set_buffer(value, options.watch.watcher_buffer_bytes);
         }},
    Word{"maxconns_fast", "", "refuse connections above -c with an error (default)",
         [](std::string_view, NodeOptions& options) -> std::string {
           options.refuse_at_limit = true;
           return "";
         }},
    Word{"no_maxconns_fast", "", "let them wait in the backlog instead",
         [](std::string_view, NodeOptions& options) -> std::string {
           options.refuse_at_limit = false;
           return "";
         }},
};

constexpr std::array kWords{std::span<const Word>(kMemoryWords), std::span<const Word>(kSweepWords),
                            std::span<const Word>(kConnectionWords)};

// nullptr: it is none of them.
const Word* find_word(std::string_view name) {
  for (const std::span<const Word> words : kWords) {
    const auto row = std::find_if(words.begin(), words.end(),
                                  [&](const Word& each) { return each.name == name; });
    if (row != words.end()) return &*row;
  }
  return nullptr;
}

// Words of memcached's that have a reason to be on a command line there and none here: taken, with
// a warning.
struct NoEffect {
  std::string_view name;
  std::string_view why;
};

constexpr std::string_view kAlwaysOn = "this part of the node is always on";
constexpr std::string_view kNoPath = "it belongs to ext_path, and there is no external storage";

constexpr std::array kNoEffect{
    NoEffect{"hashpower", "the hash table grows by itself, a bucket at a time"},
    NoEffect{"no_hashexpand", "the hash table always grows by itself"},
    NoEffect{"hash_algorithm", "the node has one hash function"},
    NoEffect{"tail_repair_time", "no reference can get stuck"},
    NoEffect{"no_lru_maintainer", kAlwaysOn},
    NoEffect{"no_modern", kAlwaysOn},
    NoEffect{"no_slab_reassign", kAlwaysOn},
    NoEffect{"read_buf_mem_limit", "buffers are held only while they have bytes in them"},
    NoEffect{"resp_obj_mem_limit", "answers are bounded for each connection"},
    NoEffect{"slab_automove_ratio", "pages move by the node's own rule"},
    NoEffect{"slab_automove_window", "pages move by the node's own rule"},
    NoEffect{"slab_automove_freeratio", kNoPath},
    NoEffect{"slab_chunk_max", "the largest chunk follows from the page size"},
    NoEffect{"sock_cookie_id", "the node does not mark its sockets for a firewall"},
    NoEffect{"slab_sizes", "the classes follow from -f and -n"},
    NoEffect{"no_chunked_items", "large items are always stored in pieces"},
    NoEffect{"no_inline_ascii_resp", "obsolete"},
    NoEffect{"inline_ascii_resp", "obsolete"},
    NoEffect{"no_drop_privileges", "the node has no sandbox; -u gives up root's rights"},
    NoEffect{"drop_privileges", "the node has no sandbox; -u gives up root's rights"},
    NoEffect{"relaxed_privileges", "the node has no sandbox; -u gives up root's rights"},
    NoEffect{"ext_page_size", kNoPath},
    NoEffect{"ext_wbuf_size", kNoPath},
    NoEffect{"ext_threads", kNoPath},
    NoEffect{"ext_io_depth", kNoPath},
    NoEffect{"ext_item_size", kNoPath},
    NoEffect{"ext_item_age", kNoPath},
    NoEffect{"ext_low_ttl", kNoPath},
    NoEffect{"ext_drop_unread", kNoPath},
    NoEffect{"ext_recache_rate", kNoPath},
    NoEffect{"ext_compact_under", kNoPath},
    NoEffect{"ext_drop_under", kNoPath},
    NoEffect{"ext_max_frag", kNoPath},
    NoEffect{"ext_max_sleep", kNoPath},
};

// Words of memcached's without which the command line does not mean what its author meant.
struct Refused {
  std::string_view name;
  std::string_view why;
};

constexpr std::string_view kNoFlash = "the node has no external storage";

constexpr std::array kRefused{
    Refused{"proxy_config", "ringcache-proxy is the proxy"},
    Refused{"proxy_arg", "ringcache-proxy is the proxy"},
};

// The edits between two words: letters to insert, to drop or to change.
std::size_t distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  for (std::size_t j = 0; j <= right.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < left.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < right.size(); ++j) {
      const std::size_t changed = diagonal + (left[i] == right[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

// The word that was probably meant; empty if none is near.
std::string_view nearest(std::string_view name) {
  constexpr std::size_t kNear = 3;
  constexpr std::size_t kNameBytesMax = 40;  // of words that are worth a comparison
  std::string_view best;
  std::size_t least = std::min(kNear, name.size() / 2 + 1);
  if (name.size() > kNameBytesMax) return best;
  const auto consider = [&](const auto& table) {
    for (const auto& row : table) {
      const std::size_t edits = distance(name, row.name);
      if (edits >= least) continue;
      least = edits;
      best = row.name;
    }
  };
  for (const std::span<const Word> words : kWords) consider(words);
  consider(kNoEffect);
  consider(kRefused);
  return best;
}

std::string refusal(std::string_view name) {
  const auto* row = std::find_if(kRefused.begin(), kRefused.end(),
                                 [&](const Refused& each) { return each.name == name; });
  std::string_view why;
  if (row != kRefused.end()) {
    why = row->why;
  } else if (name.starts_with("ext_")) {
    why = kNoFlash;
  } else {
    const std::string_view near = nearest(name);
    return "-o " + std::string(name) + ": no such option; " +
           (near.empty() ? "see -h for those there are"
                         : "did you mean " + std::string(near) + "?");
  }
  return "-o " + std::string(name) +
         ": memcached has this option, the node does not: " + std::string(why);
}

// One warning a word, however often it is there.
void warn(std::vector<std::string>& warnings, std::string text) {
  if (std::find(warnings.begin(), warnings.end(), text) == warnings.end()) {
    warnings.push_back(std::move(text));
  }
}

std::string apply_word(std::string_view word, NodeOptions& options,
                       std::vector<std::string>& warnings) {
  const std::size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  if (is_tls_word(name)) return apply_tls_word(word, options.tls, warnings);
  const bool has_value = equals != std::string_view::npos;
  const Word* const row = find_word(name);
  const std::string label = "-o " + std::string(name);
  if (row == nullptr) {
    const auto* none = std::find_if(kNoEffect.begin(), kNoEffect.end(),
                                    [&](const NoEffect& each) { return each.name == name; });
    if (none == kNoEffect.end()) return refusal(name);
    warn(warnings, label + " has no effect: " + std::string(none->why));
    return "";
  }
  if (!has_value && row->value.starts_with('=')) {
    return label + ": needs a value, " + std::string(name) + std::string(row->value);
  }
  // memcached does not look at it.
  if (has_value && row->value.empty()) warn(warnings, label + " takes no value: it is ignored");
  const std::string wrong = row->apply(has_value ? word.substr(equals + 1) : "", options);
  return wrong.empty() ? "" : label + ": " + wrong;
}

}  // namespace

std::string apply_extended_options(std::string_view list, NodeOptions& options,
                                   std::vector<std::string>& warnings) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view word = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    if (word.empty()) continue;
    if (std::string wrong = apply_word(word, options, warnings); !wrong.empty()) return wrong;
  }
  if (options.store.lru.hot_percent + options.store.lru.warm_percent > 80) {
    return "-o hot_lru_pct and warm_lru_pct: more than 80 together";
  }
  return "";
}

std::string extended_options_help() {
  std::string text;
  for (const std::span<const Word> words : kWords) {
    for (const Word& word : words) {
      std::string left = std::string(word.name) + std::string(word.value);
      left.resize(std::max<std::size_t>(left.size() + 1, 23), ' ');
      text += "    " + left + std::string(word.help) + "\n";
    }
  }
  return text + tls_words_help();
}

}  // namespace ringcache::store
