// Watchers inside of a node: bounds of their buffers, and that every event is accounted for. What
// the lines say is compared with memcached's in tests/e2e/watch_lines_test.py.
#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/block_pool.h"
#include "store/node_command_line.h"
#include "store/node_watcher.h"
#include "store/node_watchers.h"
#include "tests/store/node_fixture.h"

using namespace ringcache;
using namespace ringcache::store;
using namespace ringcache::store::testing;

namespace {

std::uint64_t number(const TestNode& server, std::string_view name) {
  return std::stoull(server.stat(name));
}

// A connection that watches.
Client watching(const TestNode& server, std::string_view classes) {
  Client client = server.client();
  check_exchange(client, "watch " + std::string(classes) + "\r\n", "OK\r\n");
  return client;
}

std::string line_of(Client& watcher) {
  std::string line;
  while (!line.ends_with('\n')) {
    const std::string byte = watcher.receive(1);
    REQUIRE_FALSE(byte.empty());
    line += byte;
  }
  return line;
}

// A multiget of `keys` keys that are not there.
std::string misses(int keys) {
  std::string request = "get";
  for (int i = 0; i < keys; ++i) request += " k" + std::to_string(i);
  return request + "\r\n";
}

}  // namespace

TEST_CASE("-o worker_logbuf_size, watcher_logbuf_size: KiB from 1 to 65536") {
  const auto parse = [](const char* words) {
    const char* argv[] = {"ringcache-node", "-o", words};
    return parse_node_command_line(3, argv);
  };
  const auto good = parse("worker_logbuf_size=1,watcher_logbuf_size=65536");
  REQUIRE(good.options);
  CHECK(good.options->watch.worker_log_bytes == 1024);
  CHECK(good.options->watch.watcher_buffer_bytes == std::size_t{64} << 20);
  for (const char* wrong : {"worker_logbuf_size=0", "worker_logbuf_size=65537",
                            "watcher_logbuf_size=x", "watcher_logbuf_size=-1"}) {
    CAPTURE(wrong);
    const auto result = parse(wrong);
    CHECK_FALSE(result.options);
    CHECK(result.text.find("must be a number of KiB from 1 to 65536") != std::string::npos);
  }
}

TEST_CASE("the least buffers hold the longest line and the longest event") {
  CHECK(kWatchLineBytesMax + kSkippedLineBytesMax <= 1024);
  CHECK(EventRing::kBytesMin <= 1024);
}

TEST_CASE("a watcher is sent what its buffer has room for, then told what it missed") {
  net::BlockPool pool;
  net::WriteBuffer out(pool);
  NodeWatcher watcher(kWatchFetchers, 1024);
  const std::string line(99, 'x');
  std::size_t sent = 0;
  while (watcher.offer(line + '\n', out)) ++sent;
  CHECK(sent == (1024 - kSkippedLineBytesMax) / 100);
  CHECK(out.bytes() == sent * 100);
  CHECK_FALSE(watcher.offer(line + '\n', out));
  watcher.skip(7);
  out.consume(out.bytes());
  CHECK(watcher.offer(line + '\n', out));
  CHECK(out.bytes() == std::string_view("skipped=9\n").size() + 100);
  out.consume(out.bytes());
  CHECK(watcher.offer(line + '\n', out));  // told once
  CHECK(out.bytes() == 100);
}

TEST_CASE("a watcher wants its classes, and nothing from before it came") {
  NodeWatcher watcher(kWatchFetchers | kWatchEvictions, 1024);
  watcher.begin_after(5);
  CHECK(watcher.wants(kWatchFetchers, 6));
  CHECK(watcher.wants(kWatchEvictions, 7));
  CHECK_FALSE(watcher.wants(kWatchFetchers, 5));
  CHECK_FALSE(watcher.wants(kWatchMutations, 6));
  CHECK_FALSE(watcher.wants(kWatchConnections, 6));
}

TEST_CASE("while nobody watches nothing is written") {
  const TestNode server;
  Client client = server.client();
  check_exchange(client, set_request("k", "v") + "get k\r\n",
                 "STORED\r\n" + value_reply("k", "v") + "END\r\n");
  CHECK(number(server, "log_worker_written") == 0);
  CHECK(number(server, "log_worker_dropped") == 0);
  CHECK(number(server, "log_watchers") == 0);
}

TEST_CASE("deletions are told, and only those") {
  TestNode server;
  Client watcher = watching(server, "deletions");
  Client client = server.client();
  check_exchange(client, "delete absent\r\nmd absent\r\n", "NOT_FOUND\r\nNF\r\n");
  check_exchange(client, set_request("k%1", "v"), "STORED\r\n");
  check_exchange(client, "delete k%1\r\n", "DELETED\r\n");
  check_exchange(client, set_request("k2", "four"), "STORED\r\n");
  // It becomes stale, then empty, then it goes.
  check_exchange(client, "md k2 I\r\nmd k2 x\r\nmd k2 C1\r\nmd k2\r\n", "HD\r\nHD\r\nEX\r\nHD\r\n");
  const std::string first = line_of(watcher);
  CHECK(first.find(" type=deleted key=k%251 cmd=delete clsid=1 size=1\n") != std::string::npos);
  const std::string second = line_of(watcher);
  CHECK(second.find(" type=deleted key=k2 cmd=md clsid=1 size=0\n") != std::string::npos);
}

TEST_CASE("many watchers of one thread get everything, a part of them in each turn") {
  NodeOptions options = test_options();
  options.threads = 1;
  TestNode server(options);
  constexpr std::size_t kWatchers = 40;
  std::vector<Client> watchers;
  for (std::size_t i = 0; i < kWatchers; ++i) watchers.push_back(watching(server, "fetchers"));
  Client client = server.client();
  // Some 20 KB of lines for each of them at once, six times what a turn carries.
  constexpr int kKeys = 200;
  check_exchange(client, misses(kKeys), "END\r\n");
  for (std::size_t i = 0; i < kWatchers; ++i) {
    if (i % 2 == 0) continue;
    watchers[i].reset();  // some leave meanwhile
  }
  for (std::size_t i = 0; i < kWatchers; i += 2) {
    for (int key = 0; key < kKeys; ++key) {
      const std::string line = line_of(watchers[i]);
      REQUIRE(line.find(" key=k" + std::to_string(key) + " status=not_found ") !=
              std::string::npos);
    }
  }
  server.wait_for_stat("log_watchers", std::to_string(kWatchers / 2));
  check_exchange(client, misses(kKeys), "END\r\n");
  for (std::size_t i = 0; i < kWatchers; i += 2) {
    CHECK(line_of(watchers[i]).find(" key=k0 ") != std::string::npos);
  }
  CHECK(number(server, "log_delivery_yields") > 0);
}

TEST_CASE("without watch_enabled nobody watches") {
  NodeOptions options = test_options();
  options.watch_enabled = false;
  const TestNode server(options);
  Client client = server.client();
  check_exchange(client, "watch\r\nwatch noreply\r\nmn\r\n",
                 "CLIENT_ERROR watch commands not allowed\r\nMN\r\n");
  CHECK(number(server, "log_watchers") == 0);
}

TEST_CASE("a worker that is busy for long: lines are skipped, told, and nobody else waits") {
  NodeOptions options = test_options();
  options.watch.worker_log_bytes = 4096;
  TestNode server(options);
  Client watcher = watching(server, "fetchers");
  std::latch busy(1);
  std::latch free(1);
  REQUIRE(server.node.io_threads().post(0, [&] {
    busy.count_down();
    free.wait();
  }));
  busy.wait();
  // Connections go to the workers in turn: one of the two is on the other worker, and it can work.
  Client first = server.client();
  Client second = server.client();
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (Client* client : {&first, &second}) {
    threads.emplace_back([&answered, client] {
      for (int round = 0; round < 300; ++round) {
        if (!client->send(misses(40)) || client->receive(5) != "END\r\n") return;
      }
      ++answered;
    });
  }
  while (answered == 0) std::this_thread::yield();
  free.count_down();
  for (std::thread& thread : threads) thread.join();
  CHECK(answered == 2);

  // Whatever became of each event, it was counted.
  CHECK(number(server, "cmd_get") ==
        number(server, "log_worker_written") + number(server, "log_worker_dropped"));
  while (number(server, "log_watcher_sent") + number(server, "log_watcher_skipped") !=
         number(server, "log_worker_written")) {
  }
  std::uint64_t told = 0;
  std::uint64_t skipped = 0;
  const std::uint64_t sent = number(server, "log_watcher_sent");
  while (told < sent) {
    const std::string line = line_of(watcher);
    if (line.starts_with("skipped=")) {
      skipped += std::stoull(line.substr(8));
    } else {
      CHECK(line.find(" type=item_get key=k") != std::string::npos);
      ++told;
    }
  }
  CHECK(skipped <= number(server, "log_watcher_skipped"));
}

TEST_CASE("watchers come and go, some with a reset, while clients work and items are evicted") {
  NodeOptions options = test_options();
  options.threads = 3;
  options.store.memory_bytes = 2 * kMiB;
  options.watch.worker_log_bytes = 8192;
  options.watch.watcher_buffer_bytes = 4096;
  const TestNode server(options);
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int at = 0; at < 3; ++at) {
    threads.emplace_back([&, at] {
      Client client = server.client();
      const std::string value(3000, static_cast<char>('a' + at));
      for (int i = 0; !stop; ++i) {
        const std::string key = std::to_string(at) + "-" + std::to_string(i);
        if (!client.send(set_request(key, value)) || client.receive(8) != "STORED\r\n") ++wrong;
      }
    });
  }
  for (int round = 0; round < 40; ++round) {
    Client all = watching(server, "fetchers mutations evictions connevents");
    Client evictions = watching(server, "evictions");
    Client silent = watching(server, "fetchers");
    line_of(all);
    line_of(evictions);
    if (round % 2 == 0) all.reset();
    if (round % 3 == 0) silent.reset();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  server.wait_for_stat("log_watchers", "0");
  CHECK(number(server, "log_watcher_sent") > 0);
}
