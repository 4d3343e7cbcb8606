#include "store/node_command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "store/item.h"
#include "store/node_extended_options.h"
#include "store/node_listen_words.h"
#include "store/node_tls_words.h"
#include "store/node_version.h"

namespace ringcache::store {

namespace {

// Options of memcached's without which the command line does not mean what its author meant.
struct Refused {
  std::string_view letter;
  std::string_view name;
  std::string_view why;

  std::string names() const {  // as CLI11 takes them
    return std::string(letter).append(",").append(name);
  }
  std::string shown_names() const {
    return std::string(letter).append(" (").append(name).append(")");
  }
};

constexpr std::array kRefused{
    Refused{"-S", "--enable-sasl", "SASL is not spoken; use -Y"},
    Refused{"-e", "--memory-file", "items do not survive the process"},
};

constexpr const char* kLicense =
    "Licensed under the Apache License, Version 2.0: http://www.apache.org/licenses/LICENSE-2.0\n"
    "Distributed without warranty of any kind; see the file LICENSE.\n";

constexpr const char* kExamples = R"(Examples:
  ringcache-node                                      64 MiB on 127.0.0.1:11211
  ringcache-node -m 4096 -t 4 -l 10.0.0.11 -c 10000   4 GiB for the machines of a private network
  ringcache-node -s /run/ringcache/node.sock -a 770   a UNIX socket and no network
  ringcache-node -l 10.0.0.11 -Z -o ssl_chain_cert=node.pem,ssl_key=node.key
                                                      TLS
  ringcache-node -p 0 --metrics off                   any free port (see the log), no metrics
)";

CLI::ValidationError mistake(const std::string& text) {
  return CLI::ValidationError(text);
}

// What the engine takes (store_options.h).
constexpr double kGrowthFactorMin = 1.01;
constexpr double kGrowthFactorMax = 4;
constexpr std::uint32_t kChunkBytesMinMin = 48;
constexpr std::uint32_t kChunkBytesMinMax = 1024;
// -n is said without the header of an item.
constexpr std::uint32_t kItemHeaderBytes = sizeof(Item);
constexpr std::uint32_t kItemBytesMinDefault =
    static_cast<std::uint32_t>(StoreOptions{}.chunk_bytes_min) - kItemHeaderBytes;

// The words of the command line before they become NodeOptions.
struct Words {
  int port = 11211;
  std::string memory_mib = "64";
  std::vector<std::string> listen{"127.0.0.1"};
  std::string unix_socket;
  std::string unix_mask = "700";
  std::optional<std::string> item_bytes_max;
  std::optional<double> growth_factor;
  bool no_evictions = false;
  std::uint32_t item_bytes_min = kItemBytesMinDefault;
  int udp_port = 0;
  std::string protocol = "auto";
  std::string delimiter;
  std::uint32_t napi_ids = 0;
  bool no_cas = false;
  bool no_flush = false;
  bool no_dump = false;
  bool no_watch = false;
  std::vector<std::string> extended;
  std::string metrics = "127.0.0.1:9150";
  int verbosity = 0;
  bool version = false;
  bool license = false;
};

void refuse_foreign_options(CLI::App& app) {
  for (const Refused& row : kRefused) {
    CLI::Option* option = app.add_option_function<std::vector<std::string>>(
        row.names(), [&row](const std::vector<std::string>&) {
          throw mistake(row.shown_names() +
                        ": memcached has this option, the node does not: " + std::string(row.why));
        });
    option->expected(0, 1)->group("");
  }
}

// The options of one part of the help.
class Group {
 public:
  Group(CLI::App& app, const char* name) : app_(app), name_(name) {}
  template <typename Value>
  CLI::Option* option(const char* names, Value& value, const char* help) const {
    return app_.add_option(names, value, help)->group(name_);
  }
  // With the default in the help.
  template <typename Value>
  CLI::Option* shown(const char* names, Value& value, const char* help) const {
    return option(names, value, help)->capture_default_str();
  }
  template <typename Value>
  void flag(const char* names, Value& value, const char* help) const {
    app_.add_flag(names, value, help)->group(name_);
  }

 private:
  CLI::App& app_;
  const char* const name_;
};

CLI::Range positive() {
  return {std::uint32_t{1}, std::numeric_limits<std::uint32_t>::max()};
}

void add_network_options(CLI::App& app, Words& words, NodeOptions& options) {
  const Group network(app, "Network");
  network.shown("-p,--port", words.port, "TCP port; 0 or -1 = any free one, named in the log")
      ->check(CLI::Range(-1, 65535));
  network
      .shown("-l,--listen", words.listen,
             "address, or address:port, or * for all; several as a comma list or by repeating")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  network.option("-s,--unix-socket", words.unix_socket, "UNIX socket to listen on, and no network");
  network.shown("-a,--unix-mask", words.unix_mask, "permissions of the UNIX socket, octal");
  network.shown("-c,--conn-limit", options.connections_max, "client connections at once")
      ->check(CLI::Range(std::size_t{1}, std::size_t{10'000'000}));
  network.shown("-b,--listen-backlog", options.backlog, "connections waiting to be accepted")
      ->check(CLI::Range(0, 1'000'000));
  network.flag(
      "-Z,--enable-ssl", options.tls_enabled,
      "TLS, with certificates as -o ssl_chain_cert says; not for UNIX sockets and -l notls:");
  network.option("-Y,--auth-file", options.auth_file,
                 "file of lines name:password, one of which a client must send first");
  network
      .shown("-R,--max-reqs-per-event", options.requests_per_turn,
             "requests of one connection before others have their turn")
      ->check(positive());
  network.shown("-U,--udp-port", words.udp_port, "only 0: the node never listens on UDP");
  network.shown("-B,--protocol", words.protocol,
                "auto: the first byte tells the text from the binary protocol; ascii: text only");
  network.option("-N,--napi_ids", words.napi_ids, "no effect: threads take connections in turn")
      ->check(positive());
}

void add_memory_options(CLI::App& app, Words& words, NodeOptions& options) {
  const Group memory(app, "Memory");
  memory.shown("-m,--memory-limit", words.memory_mib, "memory for items, MiB");
  memory
      .option("-I,--max-item-size", words.item_bytes_max,
              "largest item, bytes or with suffix k, m, g; 1k to 1g, at most half of -m")
      ->default_str("1m");
  memory.option("-f,--slab-growth-factor", words.growth_factor,
                "size of a slab class by that of the one below [1.05, or 1.08 below 128 MiB]");
  memory.flag("-M,--disable-evictions", words.no_evictions,
              "refuse to store when memory is full instead of evicting");
  memory
      .shown("-n,--slab-min-size", words.item_bytes_min,
             "bytes for key, value and flags in the smallest chunk")
      ->check(positive());
  memory.flag("-L,--enable-largepages", options.huge_pages,
              "ask for huge pages for the items and the hash table");
  memory.flag("-k,--lock-memory", options.process.lock_memory, "keep all memory out of swap");
}

void add_command_options(CLI::App& app, Words& words, NodeOptions& options) {
  const Group commands(app, "Commands");
  commands.flag("-A,--enable-shutdown", options.enable_shutdown, "allow `shutdown`");
  commands.flag("-C,--disable-cas", words.no_cas,
                "every item says cas 0, and no cas compares equal");
  commands.flag("-F,--disable-flush-all", words.no_flush, "refuse flush_all");
  commands.flag("-X,--disable-dumping", words.no_dump, "refuse stats cachedump and metadump");
  commands.flag("-W,--disable-watch", words.no_watch, "refuse watch");
  commands.option("-D", words.delimiter, "count keys by the prefix before CHAR: stats detail");
}

void add_process_options(CLI::App& app, Words& words, NodeOptions& options) {
  const Group process(app, "Process");
  process.shown("-t,--threads", options.threads, "worker threads; 0 = one per core")
      ->check(CLI::Range(std::size_t{0}, kThreadsLimit));
  process.flag(
      "-d,--daemon", options.process.daemon,
      "go on in the background, once all is well; the log goes to the system log unless -v");
  process.option("-P,--pidfile", options.process.pid_file, "file for the process id");
  process.option("-u,--user", options.process.user, "as root: take the rights of this user");
  process.flag("-r,--enable-coredumps", options.process.core_dumps, "let a crash leave a core");
  process.shown("--metrics", words.metrics, "address of /metrics, /healthz and /readyz, or off");
  process.shown("--metrics-prefix", options.metrics_prefix,
                "first part of every metric name; memcached gives memcached_exporter's names");
  process.flag("-v,--verbose", words.verbosity,
               "log connections too; -vv also every request line (keys!)");
  process.option("-o,--extended", words.extended, "comma list of the words below")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  process.flag("-V,--version", words.version, "print the version and end");
  process.flag("-i,--license", words.license, "print the licence and end");
}

void apply_network(const Words& words, NodeOptions& options, std::vector<std::string>& warnings) {
  if (words.udp_port != 0) {
    throw mistake("-U " + std::to_string(words.udp_port) +
                  ": memcached has this option, the node does not: it never listens on UDP");
  }
  if (words.protocol != "ascii" && words.protocol != "auto") {
    throw mistake("-B " + words.protocol +
                  (words.protocol == "binary"
                       ? ": memcached has this option, the node does not: auto speaks the binary "
                         "protocol beside the text protocol"
                       : ": neither ascii nor auto"));
  }
  options.binary_protocol = words.protocol == "auto";
  if (words.napi_ids != 0) {
    warnings.emplace_back("-N has no effect: connections go to the threads in turn");
  }
  options.listen.clear();
  if (!words.unix_socket.empty()) {
    options.listen.push_back(net::Address::unix_path(words.unix_socket));
  } else {
    for (const std::string& text : words.listen) {
      const int port = std::max(words.port, 0);
      const auto [with_tls, plain] = part_listen_words(text);
      if (!plain.empty() && !options.tls_enabled) throw mistake("-l " + text + ": only with -Z");
      std::string wrong = parse_listen_words(with_tls, port, options.listen, warnings);
      if (wrong.empty()) wrong = parse_listen_words(plain, port, options.listen_plain, warnings);
      if (!wrong.empty()) throw mistake(wrong);
    }
    if (options.listen.empty() && options.listen_plain.empty()) throw mistake("-l: no address");
  }
  const char* const end = words.unix_mask.data() + words.unix_mask.size();
  const auto [parsed, error] = std::from_chars(words.unix_mask.data(), end, options.unix_mode, 8);
  if (error != std::errc{} || parsed != end) {
    throw mistake("-a " + words.unix_mask + ": not an octal mask such as 770");
  }
  options.unix_mode &= 0777;
  if (words.metrics == "off") {
    options.metrics.reset();
    return;
  }
  net::Address address;
  std::string wrong;
  if (!net::Address::parse(words.metrics, address, wrong) ||
      address.kind != net::Address::Kind::kTcp) {
    throw mistake("--metrics " + words.metrics + ": neither `off` nor an address:port");
  }
  options.metrics = address;
}

void check_prefix(const std::string& prefix) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  const bool starts_well = !prefix.empty() && !(prefix.front() >= '0' && prefix.front() <= '9');
  if (!starts_well || !std::all_of(prefix.begin(), prefix.end(), good)) {
    throw mistake("--metrics-prefix " + prefix + ": letters, digits and _ only");
  }
}

std::size_t memory_bytes(const std::string& text) {
  std::size_t mib = 0;
  const char* const end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, mib);
  const bool fits = mib >= 1 && mib <= std::numeric_limits<std::size_t>::max() / kMiB;
  if (error != std::errc{} || parsed != end || !fits) {
    throw mistake("-m " + text + ": not a number of MiB, such as 64");
  }
  return mib * kMiB;
}

// What is beyond the engine's range is taken as the nearest it has: memcached starts with it, too.
void apply_chunk_sizes(const Words& words, NodeOptions& options,
                       std::vector<std::string>& warnings) {
  if (const auto asked = words.growth_factor) {
    if (!(*asked > 1)) throw mistake("-f: must be greater than 1");
    options.store.growth_factor = std::clamp(*asked, kGrowthFactorMin, kGrowthFactorMax);
    if (options.store.growth_factor != *asked) {
      warnings.emplace_back("-f is taken as the nearest from 1.01 to 4");
    }
  }
  const std::uint32_t most = kChunkBytesMinMax - kItemHeaderBytes;
  if (words.item_bytes_min > most) {
    warnings.push_back("-n is taken as " + std::to_string(most) + ", the most there is");
  }
  const std::uint32_t chunk = std::min(words.item_bytes_min, most) + kItemHeaderBytes;
  options.store.chunk_bytes_min = std::max(chunk, kChunkBytesMinMin);
}

// REQUIRES that memory_bytes is set.
void apply_item_bytes_max(const Words& words, NodeOptions& options,
                          std::vector<std::string>& warnings) {
  std::size_t& bytes = options.store.item_bytes_max;
  const std::size_t most = options.store.memory_bytes / 2;
  if (!words.item_bytes_max) {
    if (bytes <= most) return;
    bytes = most;
    warnings.push_back("items are at most " + std::to_string(most / 1024) + "k, half of -m " +
                       words.memory_mib);
    return;
  }
  const std::string label = "-I " + *words.item_bytes_max;
  if (!parse_size(*words.item_bytes_max, bytes)) {
    throw mistake(label + ": not a size such as 1048576, 512k or 2m");
  }
  if (bytes < 1024 || bytes > kItemBytesMaxLimit) throw mistake(label + ": must be from 1k to 1g");
  if (bytes > most) throw mistake(label + ": more than half of -m " + words.memory_mib);
}

void apply_memory(const Words& words, NodeOptions& options, std::vector<std::string>& warnings) {
  options.store.memory_bytes = memory_bytes(words.memory_mib);
  options.store.evict = !words.no_evictions;
  apply_item_bytes_max(words, options, warnings);
  apply_chunk_sizes(words, options, warnings);
}

void apply_commands(const Words& words, NodeOptions& options) {
  options.cas_enabled = !words.no_cas;
  options.flush_enabled = !words.no_flush;
  options.dump_enabled = !words.no_dump;
  options.watch_enabled = !words.no_watch;
  if (words.delimiter.empty()) return;
  options.prefix_delimiter = words.delimiter.front();
  options.prefix_counts_enabled = true;
}

void apply(const Words& words, NodeOptions& options, std::vector<std::string>& warnings) {
  apply_network(words, options, warnings);
  apply_memory(words, options, warnings);
  apply_commands(words, options);
  check_prefix(options.metrics_prefix);
  options.verbosity = static_cast<unsigned>(words.verbosity);
  for (const std::string& word : words.extended) {
    if (std::string wrong = apply_extended_options(word, options, warnings); !wrong.empty()) {
      throw mistake(wrong);
    }
  }
  if (options.store.eviction != EvictionKind::kSegmentedLru && options.store.lru != LruTuning{}) {
    warnings.emplace_back(
        "-o hot_lru_pct, warm_lru_pct, hot_max_factor, warm_max_factor, temporary_ttl have no "
        "effect "
        "without eviction=segmented-lru: they tune its lists");
  }
  if (options.huge_pages && !options.prepare_huge_pages) {
    throw mistake("-L asks for huge pages, -o no_huge_pages for none");
  }
  if (std::string wrong = check_tls(options, warnings); !wrong.empty()) throw mistake(wrong);
}

// Long names may be cut short as long as they are clear, as with getopt.
std::vector<std::string> whole_names(const CLI::App& app, int argc, const char* const* argv) {
  std::vector<std::string> words(argv + 1, argv + std::max(argc, 1));
  for (std::string& word : words) {
    const std::string name = word.substr(0, word.find('='));
    if (!name.starts_with("--") || name.size() < 3) continue;
    std::vector<std::string> near;
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& each : option->get_lnames()) {
        if (each == name.substr(2)) near.assign(2, each);  // whole: nothing to do
        if (each.starts_with(name.substr(2))) near.push_back(each);
      }
    }
    if (near.size() == 1) word.replace(0, name.size(), "--" + near.front());
  }
  return {words.rbegin(), words.rend()};
}

}  // namespace

bool parse_size(std::string_view text, std::size_t& bytes) {
  std::size_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || end - parsed > 1) return false;
  unsigned shift = 0;
  if (parsed != end) {
    switch (*parsed) {
      case 'k':
      case 'K':
        shift = 10;
        break;
      case 'm':
      case 'M':
        shift = 20;
        break;
      case 'g':
      case 'G':
        shift = 30;
        break;
      default:
        return false;
    }
  }
  if (number > std::numeric_limits<std::size_t>::max() >> shift) return false;
  bytes = number << shift;
  return true;
}

CommandLineResult parse_node_command_line(int argc, const char* const* argv) {
  CommandLineResult result;
  Words words;
  NodeOptions options;
  CLI::App app("A memcached-protocol cache: text and meta commands over TCP or a UNIX socket.",
               "ringcache-node");
  app.set_help_flag("-h,--help", "print this and end")->group("Process");
  // What stands last counts, as with getopt: scripts append to the options of others.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.get_formatter()->column_width(34);
  add_network_options(app, words, options);
  add_memory_options(app, words, options);
  add_command_options(app, words, options);
  add_process_options(app, words, options);
  refuse_foreign_options(app);
  app.footer("Words for -o:\n" + extended_options_help() + "\n" + kExamples);
  try {
    app.parse(whole_names(app, argc, argv));
    if (words.version || words.license) {
      result.text = std::string("ringcache-node ") + kRingcacheVersion + "\n";
      if (words.license) result.text += kLicense;
      return result;
    }
    apply(words, options, result.warnings);
    result.options = std::move(options);
  } catch (const CLI::CallForHelp&) {
    result.text = app.help();
  } catch (const CLI::ParseError& error) {
    result.exit_code = 2;
    result.text = std::string("ringcache-node: ") + error.what() + "\nTry ringcache-node -h.\n";
  }
  return result;
}

}  // namespace ringcache::store
