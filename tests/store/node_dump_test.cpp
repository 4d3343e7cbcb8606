// Listings over connections: their pace, and what else happens meanwhile.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "tests/store/node_fixture.h"

using namespace ringcache;
using namespace ringcache::store;
using namespace ringcache::store::testing;

namespace {

// Longer than what the sockets hold together, so that a listing waits for its reader.
constexpr int kItems = 60'000;

NodeOptions one_thread() {
  NodeOptions options = test_options();
  options.threads = 1;
  return options;
}

template <typename SomeNode>
void fill(const SomeNode& server) {
  Client client = server.client();
  std::string requests;
  for (int i = 0; i < kItems; ++i) {
    std::string key = std::to_string(i);
    key.resize(200, '%');
    requests += "set " + key + " 0 0 1 noreply\r\nv\r\n";
  }
  REQUIRE(client.send(requests));
  check_exchange(client, "mn\r\n", "MN\r\n");
}

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("a listing waits for its reader, and others do not wait for it") {
  TestNode server(one_thread());
  fill(server);
  Client reader = server.client();
  REQUIRE(reader.send("lru_crawler metadump all\r\nget 1 2\r\nlru_crawler mgdump all\r\n"));
  server.wait_until_counted("output_pauses");
  Client other = server.client();
  check_exchange(other, set_request("k", "v") + "get k\r\n",
                 "STORED\r\n" + value_reply("k", "v") + "END\r\n");
  CHECK(server.stat("dumps_running") == "1");
  REQUIRE(other.send("stats conns\r\nquit\r\n"));
  CHECK(other.receive_all().find("conn_dump") == std::string::npos);  // it waits to write
  reader.end_output();
  const std::string all = reader.receive_all();
  const std::size_t end = all.find("END\r\n");
  REQUIRE(end != std::string::npos);
  // "k" came after the place where the listing was, or before it.
  CHECK(lines(all.substr(0, end)) >= kItems);
  CHECK(all.substr(end).starts_with("END\r\nEND\r\nmg "));
  CHECK(all.ends_with("EN\r\n"));
  CHECK(lines(all.substr(end)) == kItems + 1 + 3);
  server.wait_for_stat("dumps_running", "0");
}

TEST_CASE("who leaves within a listing gives up its place") {
  TestNode server(one_thread());
  fill(server);
  for (int round = 0; round < 2; ++round) {
    std::vector<Client> readers;
    for (unsigned i = 0; i < kDumpsMax; ++i) {
      readers.push_back(server.client());
      REQUIRE(readers.back().send("lru_crawler metadump all\r\n"));
    }
    server.wait_for_stat("dumps_running", std::to_string(kDumpsMax));
    Client late = server.client();
    check_exchange(late, "lru_crawler metadump all\r\nmn\r\n",
                   "BUSY currently processing crawler request\r\nMN\r\n");
    for (Client& reader : readers) reader.reset();
    server.wait_for_stat("dumps_running", "0");
  }
  CHECK(server.stat("dumps_refused") == "2");
  CHECK(server.stat("dumps_started") == std::to_string(2 * kDumpsMax));
}

TEST_CASE("who hardly reads a listing loses its connection, and others get its place") {
  std::size_t read_each_period = 0;
  SUBCASE("nothing") {}
  SUBCASE("a little") {
    read_each_period = 1000;
  }
  ManualNode server(one_thread());
  fill(server);
  std::vector<Client> readers;
  for (unsigned i = 0; i < kDumpsMax; ++i) {
    readers.push_back(server.client());
    REQUIRE(readers.back().send("lru_crawler metadump all\r\n"));
  }
  const std::string all = std::to_string(kDumpsMax);
  eventually([&] { return server.has_stat("dumps_running " + all); });
  eventually([&] { return std::stoul(server.stat("output_pauses")) >= kDumpsMax; });
  server.pass(kDumpPacePeriod - std::chrono::seconds(1));
  CHECK(server.has_stat("dump_kicks 0"));
  CHECK(server.has_stat("dumps_running " + all));
  // Each look at them may find that the sockets took much meanwhile.
  eventually([&] {
    server.pass(kDumpPacePeriod);
    for (Client& reader : readers) reader.receive(read_each_period);
    return server.has_stat("dump_kicks " + all);
  });
  CHECK(server.has_stat("dumps_running 0"));
  CHECK(server.has_stat("idle_kicks 0"));
  Client next = server.client();
  REQUIRE(next.send("lru_crawler mgdump all\r\nquit\r\n"));
  CHECK(lines(next.receive_all()) == kItems + 1);
}

TEST_CASE("who reads its listing to the end may be silent afterwards, as before") {
  NodeOptions options = one_thread();
  SUBCASE("for ever") {}
  SUBCASE("for its own time") {
    options.idle_timeout = std::chrono::hours(2);
  }
  ManualNode server(options);
  Client client = server.client();
  check_exchange(client, set_request("k", "v") + "lru_crawler mgdump all\r\n",
                 "STORED\r\nmg k\r\nEN\r\n");
  for (int round = 0; round < 3; ++round) server.pass(10 * kDumpPacePeriod);
  check_exchange(client, "mn\r\n", "MN\r\n");
  CHECK(server.has_stat("dump_kicks 0"));
  if (options.idle_timeout.count() == 0) return;
  eventually([&] {
    server.pass(options.idle_timeout);
    return server.has_stat("idle_kicks 1");
  });
  CHECK(server.has_stat("dump_kicks 0"));
}

TEST_CASE("a shutdown lets a listing end") {
  TestNode server(one_thread());
  fill(server);
  Client reader = server.client();
  REQUIRE(reader.send("lru_crawler mgdump all\r\n"));
  server.wait_until_counted("output_pauses");
  std::thread reading([&] {
    const std::string all = reader.receive_all();
    CHECK(lines(all) == kItems + 1);
    CHECK(all.ends_with("EN\r\n"));
  });
  CHECK(server.node.drain());
  reading.join();
}

TEST_CASE("the settings say what orders have changed") {
  TestNode server;
  Client client = server.client();
  check_exchange(client,
                 "lru_crawler disable\r\nlru_crawler sleep 77\r\nlru_crawler tocrawl 5\r\n"
                 "stats detail on\r\nstats sizes_disable\r\n",
                 "OK\r\nOK\r\nOK\r\nOK\r\nSTAT sizes_status disabled\r\nEND\r\n");
  REQUIRE(client.send("stats settings\r\nquit\r\n"));
  const std::string settings = client.receive_all();
  for (const char* line : {"lru_crawler no", "lru_crawler_sleep 77", "lru_crawler_tocrawl 5",
                           "detail_enabled yes", "track_sizes no", "stat_key_prefix :"}) {
    CAPTURE(line);
    CHECK(settings.find("STAT " + std::string(line) + "\r\n") != std::string::npos);
  }
}
