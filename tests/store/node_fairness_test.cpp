// How many requests of one connection are executed before others have their turn (-R).
#include <doctest/doctest.h>

#include <future>
#include <string>
#include <thread>

#include "tests/store/node_fixture.h"

using namespace ringcache;
using namespace ringcache::store;
using namespace ringcache::store::testing;

namespace {

NodeOptions one_thread(std::uint32_t requests_per_turn) {
  NodeOptions options = test_options();
  options.threads = 1;
  options.requests_per_turn = requests_per_turn;
  return options;
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

// The numbers 1 to `last`, as incr answers them.
std::string counted(std::size_t last) {
  std::string all;
  for (std::size_t i = 1; i <= last; ++i) all += std::to_string(i) + "\r\n";
  return all;
}

// Holds the only worker of a node, so that what clients send meanwhile arrives in one turn.
class HeldWorker {
 public:
  explicit HeldWorker(Node& node) : holder_([this, &node] { hold(node); }) {
    held_.get_future().wait();
  }
  ~HeldWorker() {
    go_on_.set_value();
    holder_.join();
  }

 private:
  void hold(Node& node) {
    node.io_threads().run_on_all([this](net::Worker&) {
      held_.set_value();
      go_on_.get_future().wait();
    });
  }

  std::promise<void> held_;
  std::promise<void> go_on_;
  std::thread holder_;
};

}  // namespace

TEST_CASE("a client with many requests lets others have their turn") {
  TestNode server(one_thread(4));
  Client many = server.client();
  Client one = server.client();
  check_exchange(many, set_request("n", "0"), "STORED\r\n");
  check_exchange(one, "mn\r\n", "MN\r\n");
  constexpr std::size_t kRequests = 100;
  {
    const HeldWorker held(server.node);
    REQUIRE(many.send(repeated("incr n 1\r\n", kRequests)));
    REQUIRE(one.send("get n\r\nquit\r\n"));
  }
  // Both were there at once: the one request comes after a turn of the other client or two.
  const std::string text = one.receive_all();
  REQUIRE(text.starts_with("VALUE n 0 1\r\n"));
  CHECK(text[13] - '0' <= 8);
  CHECK(many.receive(counted(kRequests).size()) == counted(kRequests));
  CHECK(std::stoul(server.stat("conn_yields")) >= kRequests / 4 - 1);
}

TEST_CASE("the pipelines of ordinary clients are answered in one turn") {
  ManualNode server(one_thread(kRequestsPerTurn));  // its turns take no time
  Client client = server.client();
  {
    const HeldWorker held(server.node);
    REQUIRE(client.send(repeated("mn\r\n", 1000)));
  }
  CHECK(client.receive(4000) == repeated("MN\r\n", 1000));
  CHECK(server.has_stat("conn_yields 0"));
}

TEST_CASE("a turn also ends when it has taken its time") {
  TestNode server(one_thread(1'000'000));
  Client client = server.client();
  constexpr std::size_t kRequests = 50'000;  // some milliseconds
  {
    const HeldWorker held(server.node);
    REQUIRE(client.send(repeated("mn\r\n", kRequests)));
  }
  CHECK(client.receive(4 * kRequests) == repeated("MN\r\n", kRequests));
  CHECK(server.stat("conn_yields") != "0");
}

TEST_CASE("what a client sent before it ended its side is answered over several turns") {
  TestNode server(one_thread(3));
  Client client = server.client();
  check_exchange(client, set_request("n", "0"), "STORED\r\n");
  REQUIRE(client.send(repeated("incr n 1\r\n", 200)));
  client.end_output();
  CHECK(client.receive_all() == counted(200));
}

TEST_CASE("a shutdown answers what was read over several turns") {
  TestNode server(one_thread(1));
  Client client = server.client();
  check_exchange(client, set_request("n", "0"), "STORED\r\n");
  REQUIRE(client.send(repeated("incr n 1\r\n", 300)));
  server.wait_until_counted("conn_yields");
  CHECK(server.node.drain());
  const std::string text = client.receive_all();
  CHECK(counted(300).starts_with(text));
  CHECK_FALSE(text.empty());
}

TEST_CASE("values whole, streamed and refused keep their place over many turns") {
  TestNode server(one_thread(1));
  Client client = server.client();
  const std::string large(300'000, 'v');
  const std::string too_large(2 * kMiB, 'v');
  std::string requests;
  std::string answers;
  for (int i = 0; i < 3; ++i) {
    requests += set_request("small", "abc") + "get small\r\n" + set_request("large", large);
    requests += "get large\r\n" + set_request("huge", too_large) + "get small small\r\nbad\r\n";
    answers += "STORED\r\n" + value_reply("small", "abc") + "END\r\nSTORED\r\n" +
               value_reply("large", large) + "END\r\nSERVER_ERROR object too large for cache\r\n" +
               value_reply("small", "abc") + value_reply("small", "abc") + "END\r\nERROR\r\n";
  }
  std::thread sender([&] { CHECK(client.send(requests)); });
  const bool as_expected = client.receive(answers.size()) == answers;
  CHECK(as_expected);
  sender.join();
}

TEST_CASE("a client that does not read waits, and goes on, also with turns of one request") {
  TestNode server(one_thread(1));
  Client client = server.client();
  const std::string value(100'000, 'v');
  check_exchange(client, set_request("k", value), "STORED\r\n");
  constexpr std::size_t kGets = 200;  // more than the sockets hold
  REQUIRE(client.send(repeated("get k\r\n", kGets)));
  server.wait_until_counted("output_pauses");
  const std::string answer = value_reply("k", value) + "END\r\n";
  for (std::size_t i = 0; i < kGets; ++i) {
    const bool as_expected = client.receive(answer.size()) == answer;
    REQUIRE(as_expected);
  }
}
