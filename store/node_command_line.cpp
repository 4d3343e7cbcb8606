#include "store/node_command_line.h"

#include <arpa/inet.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "store/node_extended_options.h"
#include "store/node_tls_words.h"
#include "store/node_version.h"

namespace ringcache::store {

namespace {

// Options of memcached's that the node does not have.
struct Refused {
  const char* names;  // as CLI11 takes them
  std::string_view why;
};

constexpr std::array kRefused{
    Refused{"-A,--enable-shutdown", "stop the node with SIGTERM"},
    Refused{"-d,--daemon", "run it under systemd or another supervisor"},
    Refused{"-r,--enable-coredumps", "set the limit in the shell or the service (LimitCORE=)"},
    Refused{"-u,--user", "start it as that user (User=)"},
    Refused{"-k,--lock-memory", "set it in the service (LimitMEMLOCK=), or turn swap off"},
    Refused{"-i,--license", "the licence is Apache-2.0, see the file LICENSE"},
    Refused{"-P,--pidfile", "the node stays in the foreground; its supervisor knows the id"},
    Refused{"-n,--slab-min-size", "the smallest chunk is fixed"},
    Refused{"-L,--enable-largepages", "transparent huge pages are the system's to set"},
    Refused{"-D", "there are no statistics by key prefix"},
    Refused{"-R,--max-reqs-per-event", "a turn is bounded by what one read brings"},
    Refused{"-C,--disable-cas", "every item has its CAS"},
    Refused{"-B,--protocol", "the node speaks the text and the meta protocol, and no other"},
    Refused{"-S,--enable-sasl", "SASL is of the binary protocol; use -Y"},
    Refused{"-F,--disable-flush-all", "flush_all can't be turned off"},
    Refused{"-X,--disable-dumping", "there is nothing to turn off: the node dumps no keys"},
    Refused{"-W,--disable-watch", "there is nothing to turn off: the node has no watchers"},
    Refused{"-e,--memory-file", "items do not survive the process"},
    Refused{"-N,--napi_ids", "connections go to the threads in turn"},
};

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

// The words of the command line before they become NodeOptions.
struct Words {
  int port = 11211;
  std::string memory_mib = "64";
  std::vector<std::string> listen{"127.0.0.1"};
  std::string unix_socket;
  std::string unix_mask = "700";
  std::string item_bytes_max = "1m";
  std::optional<double> growth_factor;
  bool no_evictions = false;
  int udp_port = 0;
  std::vector<std::string> extended;
  std::string metrics = "127.0.0.1:9150";
  int verbosity = 0;
  bool version = false;
};

void refuse_foreign_options(CLI::App& app) {
  for (const Refused& row : kRefused) {
    CLI::Option* option = app.add_option_function<std::vector<std::string>>(
        row.names, [&row](const std::vector<std::string>&) {
          throw mistake(std::string(row.names) +
                        ": memcached has this option, the node does not: " + std::string(row.why));
        });
    option->expected(0, 1)->group("");
  }
}

void add_network_options(CLI::App& app, Words& words, NodeOptions& options) {
  const char* const network = "Network";
  app.add_option("-p,--port", words.port, "TCP port; 0 = any free one, named in the log")
      ->check(CLI::Range(0, 65535))
      ->group(network)
      ->capture_default_str();
  app.add_option("-l,--listen", words.listen,
                 "address, or address:port; several as a comma list or by repeating -l")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(network)
      ->capture_default_str();
  app.add_option("-s,--unix-socket", words.unix_socket, "UNIX socket to listen on, and no network")
      ->group(network);
  app.add_option("-a,--unix-mask", words.unix_mask, "permissions of the UNIX socket, octal")
      ->group(network)
      ->capture_default_str();
  app.add_option("-c,--conn-limit", options.connections_max, "client connections at once")
      ->check(CLI::Range(std::size_t{1}, std::size_t{10'000'000}))
      ->group(network)
      ->capture_default_str();
  app.add_option("-b,--listen-backlog", options.backlog, "connections waiting to be accepted")
      ->check(CLI::Range(1, 1'000'000))
      ->group(network)
      ->capture_default_str();
  app.add_flag(
         "-Z,--enable-ssl", options.tls_enabled,
         "TLS, with certificates as -o ssl_chain_cert says; not for UNIX sockets and -l notls:")
      ->group(network);
  app.add_option("-Y,--auth-file", options.auth_file,
                 "file of lines name:password, one of which a client must send first")
      ->group(network);
  app.add_option("-U,--udp-port", words.udp_port, "only 0: the node never listens on UDP")
      ->group(network)
      ->capture_default_str();
}

void add_memory_options(CLI::App& app, Words& words) {
  const char* const memory = "Memory";
  app.add_option("-m,--memory-limit", words.memory_mib, "memory for items, MiB")
      ->group(memory)
      ->capture_default_str();
  app.add_option("-I,--max-item-size", words.item_bytes_max,
                 "largest item, bytes or with suffix k, m, g; 1k to 1g, at most half of -m")
      ->group(memory)
      ->capture_default_str();
  app.add_option("-f,--slab-growth-factor", words.growth_factor,
                 "size of a slab class by that of the one below; 1.05 if not given, or 1.08 with "
                 "-m below 128")
      ->group(memory);
  app.add_flag("-M,--disable-evictions", words.no_evictions,
               "refuse to store when memory is full instead of evicting")
      ->group(memory);
}

void add_process_options(CLI::App& app, Words& words, NodeOptions& options) {
  const char* const process = "Process";
  app.add_option("-t,--threads", options.threads, "worker threads; 0 = one per core")
      ->check(CLI::Range(std::size_t{0}, kThreadsLimit))
      ->group(process)
      ->capture_default_str();
  app.add_option("--metrics", words.metrics, "address of /metrics, /healthz and /readyz, or off")
      ->group(process)
      ->capture_default_str();
  app.add_option("--metrics-prefix", options.metrics_prefix,
                 "first part of every metric name; memcached gives memcached_exporter's names")
      ->group(process)
      ->capture_default_str();
  app.add_flag("-v,--verbose", words.verbosity,
               "log connections too; -vv also every request line (keys!)")
      ->group(process);
  app.add_option("-o,--extended", words.extended, "comma list of the words below")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(process);
  app.add_flag("-V,--version", words.version, "print the version and end")->group(process);
}

net::Address listen_address(const std::string& text, int port) {
  if (text.starts_with("unix:") || text.find('/') != std::string::npos) {
    const std::string path = text.starts_with("unix:") ? text.substr(5) : text;
    throw mistake("-l " + text + ": a network address is expected; for a UNIX socket use -s " +
                  path);
  }
  // An address without a port takes -p: try the whole first, then with the port added.
  net::Address address;
  std::string error;
  in6_addr ipv6{};
  const bool bare_ipv6 = ::inet_pton(AF_INET6, text.c_str(), &ipv6) == 1;
  const std::string with_port = (bare_ipv6 ? '[' + text + ']' : text) + ':' + std::to_string(port);
  if (!bare_ipv6 && net::Address::parse(text, address, error) &&
      address.kind == net::Address::Kind::kTcp) {
    return address;
  }
  std::string error_with_port;
  if (net::Address::parse(with_port, address, error_with_port)) return address;
  throw mistake("-l " + text + ": " + error);
}

void apply_tls(const Words& words, NodeOptions& options) {
  if (!options.tls_enabled) {
    if (options.tls == net::TlsOptions{}) return;
    throw mistake("-o ssl_...: only with -Z");
  }
  if (!words.unix_socket.empty()) {
    throw mistake("-Z: a UNIX socket has no TLS, and with -s there is no network");
  }
  if (std::string wrong = check_tls_options(options.tls); !wrong.empty()) throw mistake(wrong);
  if (options.listen.empty()) throw mistake("-Z: every address is without TLS");
}

void apply_network(const Words& words, NodeOptions& options) {
  if (words.udp_port != 0) {
    throw mistake("-U " + std::to_string(words.udp_port) +
                  ": memcached has this option, the node does not: it never listens on UDP");
  }
  options.listen.clear();
  if (!words.unix_socket.empty()) {
    options.listen.push_back(net::Address::unix_path(words.unix_socket));
  } else {
    for (const std::string& text : words.listen) {
      const auto [with_tls, plain] = part_listen_words(text);
      if (!plain.empty() && !options.tls_enabled) throw mistake("-l " + text + ": only with -Z");
      if (!with_tls.empty()) options.listen.push_back(listen_address(with_tls, words.port));
      if (!plain.empty()) options.listen_plain.push_back(listen_address(plain, words.port));
    }
    if (options.listen.empty() && options.listen_plain.empty()) throw mistake("-l: no address");
  }
  const char* const end = words.unix_mask.data() + words.unix_mask.size();
  const auto [parsed, error] = std::from_chars(words.unix_mask.data(), end, options.unix_mode, 8);
  if (error != std::errc{} || parsed != end || options.unix_mode > 0777) {
    throw mistake("-a " + words.unix_mask + ": not an octal mask such as 770");
  }
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

void apply_memory(const Words& words, NodeOptions& options) {
  options.store.memory_bytes = memory_bytes(words.memory_mib);
  options.store.evict = !words.no_evictions;
  const std::string label = "-I " + words.item_bytes_max;
  if (!parse_size(words.item_bytes_max, options.store.item_bytes_max)) {
    throw mistake(label + ": not a size such as 1048576, 512k or 2m");
  }
  if (options.store.item_bytes_max < 1024 || options.store.item_bytes_max > kItemBytesMaxLimit) {
    throw mistake(label + ": must be from 1k to 1g");
  }
  if (options.store.item_bytes_max > options.store.memory_bytes / 2) {
    throw mistake(label + ": more than half of -m " + words.memory_mib);
  }
  if (words.growth_factor) {
    if (!(*words.growth_factor >= 1.01 && *words.growth_factor <= 4)) {
      throw mistake("-f: must be from 1.01 to 4");
    }
    options.store.growth_factor = *words.growth_factor;
  }
}

void apply(const Words& words, NodeOptions& options) {
  apply_network(words, options);
  apply_memory(words, options);
  check_prefix(options.metrics_prefix);
  options.verbosity = static_cast<unsigned>(words.verbosity);
  for (const std::string& word : words.extended) {
    if (std::string wrong = apply_extended_options(word, options); !wrong.empty()) {
      throw mistake(wrong);
    }
  }
  apply_tls(words, options);
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
  app.get_formatter()->column_width(34);
  add_network_options(app, words, options);
  add_memory_options(app, words);
  add_process_options(app, words, options);
  refuse_foreign_options(app);
  app.footer("Words for -o:\n" + extended_options_help() + "\n" + kExamples);
  try {
    app.parse(argc, argv);
    if (words.version) {
      result.text = std::string("ringcache-node ") + kRingcacheVersion + "\n";
      return result;
    }
    apply(words, options);
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
