#include "store/node_command_line.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "store/item.h"

using namespace ringcache;
using namespace ringcache::store;

namespace {

CommandLineResult parse(std::vector<const char*> words) {
  words.insert(words.begin(), "ringcache-node");
  return parse_node_command_line(static_cast<int>(words.size()), words.data());
}

NodeOptions good(const std::vector<const char*>& words) {
  const CommandLineResult result = parse(words);
  INFO(result.text);
  REQUIRE(result.options);
  return *result.options;
}

// What is wrong with it, after checking that it is refused as a mistake.
std::string bad(const std::vector<const char*>& words) {
  const CommandLineResult result = parse(words);
  CHECK_FALSE(result.options);
  CHECK(result.exit_code == 2);
  return result.text;
}

// What it warns of, after checking that it starts.
std::vector<std::string> warned(const std::vector<const char*>& words) {
  const CommandLineResult result = parse(words);
  INFO(result.text);
  REQUIRE(result.options);
  return result.warnings;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("without options: loopback, 64 MiB, 1024 connections") {
  const NodeOptions options = good({});
  CHECK(options.listen == std::vector{net::Address::tcp("127.0.0.1", 11211)});
  CHECK(options.store.memory_bytes == 64 * kMiB);
  CHECK(options.store.item_bytes_max == kMiB);
  CHECK(options.store.evict);
  CHECK(options.connections_max == 1024);
  CHECK(options.threads == 0);
  CHECK(options.refuse_at_limit);
  CHECK(options.metrics == net::Address::tcp("127.0.0.1", 9150));
  CHECK(options.metrics_prefix == "ringcache_node");
}

TEST_CASE("memcached's letters") {
  const NodeOptions options =
      good({"-p",       "0",  "-m", "128", "-t",        "3",   "-c",
            "77",       "-I", "2m", "-f",  "1.25",      "-M",  "-b",
            "9",        "-U", "0",  "-vv", "--metrics", "off", "--metrics-prefix",
            "memcached"});
  CHECK(options.listen.front().port == 0);
  CHECK(options.store.memory_bytes == 128 * kMiB);
  CHECK(options.threads == 3);
  CHECK(options.connections_max == 77);
  CHECK(options.store.item_bytes_max == 2 * kMiB);
  CHECK(options.store.growth_factor == 1.25);
  CHECK_FALSE(options.store.evict);
  CHECK(options.backlog == 9);
  CHECK(options.verbosity == 2);
  CHECK_FALSE(options.metrics);
  CHECK(options.metrics_prefix == "memcached");
}

TEST_CASE("-l takes lists and repeats, with and without ports") {
  const NodeOptions options =
      good({"-p", "99", "-l", "127.0.0.1,10.0.0.1:5", "-l", "::1", "-l", "[::1]:7"});
  CHECK(options.listen == std::vector{net::Address::tcp("127.0.0.1", 99),
                                      net::Address::tcp("10.0.0.1", 5),
                                      net::Address::tcp("::1", 99), net::Address::tcp("::1", 7)});
}

TEST_CASE("-s replaces the network") {
  const NodeOptions options = good({"-s", "/run/x.sock", "-a", "770"});
  CHECK(options.listen == std::vector{net::Address::unix_path("/run/x.sock")});
  CHECK(options.unix_mode == 0770);
  CHECK(good({"-s", "/run/x.sock", "-a", "1777"}).unix_mode == 0777);  // memcached cuts it, too
  CHECK(contains(bad({"-s", "/run/x.sock", "-a", "9"}), "-a 9"));
}

TEST_CASE("-o words") {
  const NodeOptions options =
      good({"-o", "idle_timeout=30,upload_timeout=7,auth_timeout=9,no_maxconns_fast", "-o",
            "hot_lru_pct=10,warm_lru_pct=50,modern"});
  CHECK(options.idle_timeout == std::chrono::seconds(30));
  CHECK(options.upload_timeout == std::chrono::seconds(7));
  CHECK(options.auth_timeout == std::chrono::seconds(9));
  CHECK_FALSE(options.refuse_at_limit);
  CHECK(options.store.lru.hot_percent == 10);
  CHECK(options.store.lru.warm_percent == 50);
  CHECK(contains(bad({"-o", "hot_lru_pct"}), "hot_lru_pct: needs a value"));
  CHECK(contains(bad({"-o", "hot_lru_pct=60,warm_lru_pct=60"}), "more than 80 together"));
  CHECK(contains(bad({"-o", "ext_path=/x:1G"}), "-o ext_path: memcached has this option"));
  CHECK(contains(bad({"-o", "frobnicate"}), "-o frobnicate: no such option; see -h"));
  CHECK(contains(bad({"-o", "frobnicate"}), "-o frobnicate: no such option"));
}

TEST_CASE("-Z and its words") {
  const NodeOptions options =
      good({"-Z", "-l", "10.0.0.1,notls:127.0.0.1:5", "-o",
            "ssl_chain_cert=/c,ssl_key=/k,ssl_ca_cert=/a", "-o",
            "ssl_verify_mode=2,ssl_keyformat=DER,ssl_ciphers=HIGH:!aNULL,ssl_min_version=tlsv1.3",
            "-o", "ssl_wbuf_size=32,ssl_session_cache"});
  CHECK(options.tls_enabled);
  CHECK(options.listen == std::vector{net::Address::tcp("10.0.0.1", 11211)});
  CHECK(options.listen_plain == std::vector{net::Address::tcp("127.0.0.1", 5)});
  CHECK(options.tls.chain_file == "/c");
  CHECK(options.tls.key_file == "/k");
  CHECK(options.tls.ca_file == "/a");
  CHECK(options.tls.verify == net::TlsVerify::kRequire);
  CHECK(options.tls.key_format == net::TlsKeyFormat::kDer);
  CHECK(options.tls.ciphers == "HIGH:!aNULL");
  CHECK(options.tls.min_version == net::TlsVersion::k13);
  CHECK(options.tls.write_bytes == 32 * 1024);
  CHECK(options.tls.session_cache);
  CHECK(good({"-Z", "-o", "ssl_chain_cert=/c,ssl_min_version=0,ssl_keyformat=1"}).tls.min_version ==
        net::TlsVersion::k10);
  CHECK_FALSE(good({}).tls_enabled);
}

TEST_CASE("TLS that could not be, or would be less than was meant, is refused") {
  const auto wrong = [](const char* words) { return bad({"-Z", "-o", words}); };
  CHECK(contains(bad({"-Z"}), "-Z: needs -o ssl_chain_cert=FILE"));
  CHECK(contains(bad({"-l", "notls:127.0.0.1"}), "-l notls:127.0.0.1: only with -Z"));
  CHECK(contains(bad({"-Z", "-s", "/x.sock", "-o", "ssl_chain_cert=/c"}), "has no TLS"));
  CHECK(contains(bad({"-Z", "-l", "notls:127.0.0.1", "-o", "ssl_chain_cert=/c"}),
                 "every address is without TLS"));
  CHECK(contains(wrong("ssl_chain_cert=/c,ssl_verify_mode=2"), "needs -o ssl_ca_cert"));
  CHECK(contains(wrong("ssl_chain_cert=/c,ssl_verify_mode=3"), "needs -o ssl_ca_cert"));
  CHECK(contains(wrong("ssl_chain_cert=/c,ssl_keyformat=DER"), "needs -o ssl_key"));
  CHECK(contains(wrong("ssl_keyformat=ENGINE"), "must be 1 (PEM) or 2 (DER)"));
  CHECK(contains(wrong("ssl_keyformat=0"), "must be 1 (PEM) or 2 (DER)"));
  CHECK(contains(wrong("ssl_verify_mode=4"), "2 (Require) or 3 (Once)"));
  CHECK(contains(wrong("ssl_min_version=4"), "2 (tlsv1.2) or 3 (tlsv1.3)"));
  CHECK(contains(wrong("ssl_wbuf_size=0"), "from 1 to 1024"));
  CHECK(contains(wrong("ssl_wbuf_size=1025"), "from 1 to 1024"));
  CHECK(contains(wrong("ssl_chain_cert="), "must not be empty"));
  CHECK(contains(wrong("ssl_chain_cert"), "needs a value"));
  CHECK(contains(wrong("ssl_frobnicate"), "no such option"));
}

TEST_CASE("words of TLS that memcached takes and that have no effect are warned of") {
  const auto warning = [](const std::vector<const char*>& words) {
    const std::vector<std::string> warnings = warned(words);
    return warnings.size() == 1 ? warnings.front() : std::to_string(warnings.size());
  };
  CHECK(contains(warning({"-o", "ssl_chain_cert=/c,ssl_key=/k"}), "no effect without -Z"));
  CHECK(contains(warning({"-Z", "-o", "ssl_chain_cert=/c,ssl_verify_mode=1"}),
                 "-o ssl_verify_mode=1 without ssl_ca_cert"));
  CHECK(contains(warning({"-Z", "-o", "ssl_chain_cert=/c,ssl_ca_cert=/a"}),
                 "-o ssl_ca_cert has no effect"));
  CHECK(contains(warning({"-Z", "-o", "ssl_chain_cert=/c,ssl_kernel_tls"}),
                 "-o ssl_kernel_tls has no effect"));
  CHECK(warning({"-Z", "-o", "ssl_chain_cert=/c,ssl_session_cache=1"}) ==
        "-o ssl_session_cache takes no value: it is ignored");
  CHECK(warned({"-Z", "-o", "ssl_chain_cert=/c,ssl_verify_mode=1,ssl_ca_cert=/a"}).empty());
}

TEST_CASE("a word that is nearly one is told so") {
  CHECK(contains(bad({"-o", "idle_timout=3"}), "-o idle_timout: no such option; did you mean"));
  CHECK(contains(bad({"-o", "idle_timout=3"}), "did you mean idle_timeout?"));
  CHECK(contains(bad({"-o", "lru_crawler_sleeps=3"}), "did you mean lru_crawler_sleep?"));
  CHECK(contains(bad({"-o", "proxy_confg=x"}), "did you mean proxy_config?"));
  CHECK_FALSE(contains(bad({"-o", "x"}), "did you mean"));
  CHECK_FALSE(contains(bad({"-o", std::string(5000, 'x').c_str()}), "did you mean"));
}

TEST_CASE("words for memcached's lists say when there are none") {
  CHECK(warned({"-o", "hot_lru_pct=10,eviction=segmented-lru"}).empty());
  const std::vector<std::string> warnings = warned({"-o", "hot_lru_pct=10,temporary_ttl=60"});
  REQUIRE(warnings.size() == 1);
  CHECK(warnings.front().find("eviction=segmented-lru") != std::string::npos);
}

TEST_CASE("words of memcached's without effect here are taken, with one warning each") {
  const std::vector<std::string> warnings = warned(
      {"-o", "hashpower=20,no_hashexpand,no_lru_maintainer", "-o", "hashpower=20,hashpower=21",
       "-o", "ext_threads=2,slab_sizes=100-200,no_modern,sock_cookie_id=7"});
  CHECK(warnings.size() == 7);
  CHECK(warnings.front() ==
        "-o hashpower has no effect: the hash table grows by itself, a bucket at a time");
  CHECK(warned({"-o", "modern,lru_maintainer,lru_crawler,slab_reassign,maxconns_fast"}).empty());
  CHECK(warned({"-o", "modern=1"}) ==
        std::vector<std::string>{"-o modern takes no value: it is ignored"});
}

TEST_CASE("-D counts keys by prefix") {
  CHECK_FALSE(good({}).prefix_counts_enabled);
  const NodeOptions options = good({"-D", "/"});
  CHECK(options.prefix_counts_enabled);
  CHECK(options.prefix_delimiter == '/');
}

TEST_CASE("words of the sweep") {
  CHECK(good({}).sweep.enabled);
  CHECK(warned({"-o", "track_sizes,lru_crawler"}).empty());
  const NodeOptions options =
      good({"-o", "no_lru_crawler,lru_crawler_sleep=333,lru_crawler_tocrawl=44"});
  CHECK_FALSE(options.sweep.enabled);
  CHECK(options.sweep.pause == std::chrono::microseconds(333));
  CHECK(options.sweep.items_max == 44);
  CHECK(good({"-o", "no_lru_crawler,lru_crawler"}).sweep.enabled);
  CHECK(contains(bad({"-o", "lru_crawler_sleep=1000001"}), "must be a number of microseconds"));
  CHECK(contains(bad({"-o", "lru_crawler_tocrawl=x"}), "must be a number"));
}

TEST_CASE("what would be dangerous to ignore is refused by name") {
  for (const std::vector<const char*>& words : std::vector<std::vector<const char*>>{
           {"-S"}, {"-e", "/x"}, {"-U", "11211"}, {"-B", "binary"}, {"-dS"}}) {
    CAPTURE(words.front());
    CHECK(contains(bad(words), "memcached has this option, the node does not"));
  }
  CHECK(contains(bad({"-B", "text"}), "-B text: neither ascii nor auto"));
  CHECK(contains(bad({"-L", "-o", "no_huge_pages"}), "-L asks for huge pages, -o no_huge"));
  CHECK(contains(bad({"-S"}), "ringcache-node: -S (--enable-sasl): memcached has this option"));
}

TEST_CASE("the process: daemon, pid file, user, locked memory, cores") {
  const ProcessOptions process =
      good({"-dkr", "-P", "/run/x.pid", "-u", "memcache", "-vvv"}).process;
  CHECK(process.daemon);
  CHECK(process.lock_memory);
  CHECK(process.core_dumps);
  CHECK(process.pid_file == "/run/x.pid");
  CHECK(process.user == "memcache");
  const ProcessOptions plain = good({}).process;
  CHECK_FALSE((plain.daemon || plain.lock_memory || plain.core_dumps));
  CHECK((plain.pid_file.empty() && plain.user.empty()));
}

TEST_CASE("what clients may ask for") {
  const NodeOptions open = good({});
  CHECK((open.cas_enabled && open.flush_enabled && open.dump_enabled && open.watch_enabled));
  CHECK_FALSE(open.enable_shutdown);
  CHECK(open.requests_per_turn == kRequestsPerTurn);
  const NodeOptions closed = good({"-ACFXW", "-D", "/", "-R", "20", "-L", "-B", "ascii"});
  CHECK_FALSE(closed.cas_enabled);
  CHECK_FALSE(closed.flush_enabled);
  CHECK_FALSE(closed.dump_enabled);
  CHECK_FALSE(closed.watch_enabled);
  CHECK(closed.enable_shutdown);
  CHECK(closed.prefix_delimiter == '/');
  CHECK(closed.requests_per_turn == 20);
  CHECK((closed.huge_pages && closed.prepare_huge_pages));
  CHECK_FALSE(open.huge_pages);
  CHECK(open.prepare_huge_pages);
  CHECK_FALSE(good({"-o", "no_huge_pages"}).prepare_huge_pages);
  CHECK(contains(bad({"-R", "0"}), "--max-reqs-per-event"));
  CHECK(contains(bad({"-R", "abc"}), "--max-reqs-per-event"));
}

TEST_CASE("sizes beyond the engine's are taken as the nearest, with a warning") {
  CHECK(good({"-n", "48"}).store.chunk_bytes_min == 48 + sizeof(Item));
  CHECK(good({"-n", "1"}).store.chunk_bytes_min == 48);
  CHECK(good({}).store.chunk_bytes_min == StoreOptions{}.chunk_bytes_min);
  CHECK(good({"-n", "60000"}).store.chunk_bytes_min == 1024);
  CHECK(warned({"-n", "60000"}).size() == 1);
  CHECK(contains(bad({"-n", "0"}), "-n"));
  CHECK(good({"-f", "8"}).store.growth_factor == 4);
  CHECK(good({"-f", "1.001"}).store.growth_factor == 1.01);
  CHECK(warned({"-f", "8"}).size() == 1);
}

TEST_CASE("what stands last counts, and long names may be cut short") {
  const NodeOptions options =
      good({"-m", "64", "-p", "1", "-M", "--memory-l=128", "-M", "--port", "2", "--conn", "9",
            "--user=nobody", "-o", "idle_timeout=1", "-o", "idle_timeout=2"});
  CHECK(options.store.memory_bytes == 128 * kMiB);
  CHECK(options.listen.front().port == 2);
  CHECK(options.connections_max == 9);
  CHECK(options.process.user == "nobody");
  CHECK(options.idle_timeout == std::chrono::seconds(2));
  CHECK(contains(bad({"--disable", "x"}), "--disable"));  // several begin so
}

TEST_CASE("-l as memcached writes it") {
  using net::Address;
  CHECK(
      good({"-p", "99", "-l", "127.0.0.1;[::1]:5;[::1]"}).listen ==
      std::vector{Address::tcp("127.0.0.1", 99), Address::tcp("::1", 5), Address::tcp("::1", 99)});
  CHECK(good({"-p", "99", "-l", "*,cache-a:7"}).listen ==
        std::vector{Address::tcp("*", 99), Address::tcp("cache-a", 7)});
  CHECK(good({"-p", "99", "-l", "proto[ascii]:127.0.0.1,tag[a]:127.0.0.2:4"}).listen ==
        std::vector{Address::tcp("127.0.0.1", 99), Address::tcp("127.0.0.2", 4)});
  CHECK(good({"-p", "-1", "-l", "127.0.0.1"}).listen == std::vector{Address::tcp("127.0.0.1", 0)});
  CHECK(warned({"-l", "tag[a]:127.0.0.2:4"}).size() == 1);
  CHECK(warned({"-l", "proto[ascii]:127.0.0.2:4"}).size() == 1);
  CHECK(good({"-B", "auto"}).binary_protocol);
  CHECK_FALSE(good({"-B", "ascii"}).binary_protocol);
  CHECK(contains(bad({"-l", "proto[binary]:127.0.0.1"}), "only proto[ascii]"));
  CHECK(contains(bad({"-l", "proto[ascii:127.0.0.1"}), "-l proto[ascii:127.0.0.1"));
  CHECK(contains(bad({"-l", ","}), "-l: no address"));
}

TEST_CASE("a small -m lowers the size of items, unless it was asked for") {
  CHECK(good({"-m", "2"}).store.item_bytes_max == kMiB);
  CHECK(warned({"-m", "2"}).empty());
  CHECK(good({"-m", "1"}).store.item_bytes_max == kMiB / 2);
  CHECK(warned({"-m", "1"}) == std::vector<std::string>{"items are at most 512k, half of -m 1"});
  CHECK(warned({"-m", "1", "-I", "512k"}).empty());
  CHECK(contains(bad({"-m", "1", "-I", "1m"}), "-I 1m: more than half of -m 1\n"));
}

TEST_CASE("mistakes are named") {
  CHECK(contains(bad({"--frobnicate"}), "--frobnicate"));
  CHECK(contains(bad({"-q"}), "-q"));
  CHECK(contains(bad({"word"}), "word"));
  CHECK(contains(bad({"-p", "70000"}), "-p"));
  CHECK(contains(bad({"-p", "x"}), "-p"));
  CHECK(contains(bad({"-m", "0"}), "-m"));
  CHECK(contains(bad({"-m", "-5"}), "-m"));
  CHECK(contains(bad({"-m"}), "-m"));
  CHECK(contains(bad({"-m", "abc"}), "-m abc: not a number of MiB"));
  CHECK(contains(bad({"-m", "64m"}), "-m 64m: not a number of MiB"));
  CHECK(contains(bad({"-m", "99999999999999"}), "-m 99999999999999"));
  CHECK(contains(bad({"-l", "unix:/run/x.sock"}), "-l unix:/run/x.sock: "));
  CHECK(contains(bad({"-l", "unix:/run/x.sock"}), "use -s /run/x.sock"));
  CHECK(contains(bad({"-l", "/run/x.sock"}), "use -s /run/x.sock"));
  CHECK(contains(bad({"-t", "9999"}), "-t"));
  CHECK(contains(bad({"-c", "0"}), "-c"));
  CHECK(contains(bad({"-I", "512"}), "-I 512"));
  CHECK(contains(bad({"-I", "2g"}), "-I 2g"));
  CHECK(contains(bad({"-I", "1x"}), "-I 1x"));
  CHECK(contains(bad({"-I", "40m"}), "half of -m"));
  CHECK(contains(bad({"-f", "1"}), "-f"));
  CHECK(contains(bad({"-f", "0"}), "-f"));
  CHECK(contains(bad({"-p", "-2"}), "-p"));
  CHECK(contains(bad({"-f", "nan"}), "-f"));
  CHECK(contains(bad({"-l", "a:b:c:d:99999"}), "-l"));
  CHECK(contains(bad({"--metrics", "9150x"}), "--metrics"));
  CHECK(contains(bad({"--metrics-prefix", "9x"}), "--metrics-prefix"));
  CHECK(contains(bad({"--metrics-prefix", "a-b"}), "--metrics-prefix"));
}

TEST_CASE("help and version end well") {
  const CommandLineResult help = parse({"-h"});
  CHECK_FALSE(help.options);
  CHECK(help.exit_code == 0);
  for (const char* word : {"--memory-limit", "--metrics-prefix", "idle_timeout", "Examples"}) {
    CHECK(contains(help.text, word));
  }
  const CommandLineResult version = parse({"-V"});
  CHECK(version.exit_code == 0);
  CHECK(contains(version.text, "ringcache-node "));
  const CommandLineResult license = parse({"-i"});
  CHECK(license.exit_code == 0);
  CHECK(contains(license.text, "Apache License"));
}

TEST_CASE("sizes") {
  std::size_t bytes = 0;
  CHECK(parse_size("1024", bytes));
  CHECK(bytes == 1024);
  CHECK(parse_size("3k", bytes));
  CHECK(bytes == 3072);
  CHECK(parse_size("1G", bytes));
  CHECK(bytes == std::size_t{1} << 30);
  for (const char* text :
       {"", "k", "1kb", "1.5m", "-1", " 1", "99999999999999999999", "18446744073709551615k"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_size(text, bytes));
  }
}
