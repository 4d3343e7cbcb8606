#include "tests/bench/connection.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

namespace ringcache::bench {
namespace {

// A connection whose server is the test: requests() is what it sent, answer() what it gets.
class Harness {
 public:
  explicit Harness(const LoadOptions& options)
      : workload_(make(options)), thread_(workload_, 0), connection_(open(), thread_, 0, 1) {
    thread_.window = {0, ~std::uint64_t{0}};
  }
  ~Harness() { close(server_fd_); }

  std::string requests() {
    thread_.now_ns = 1000;
    CHECK(connection_.pump());
    std::array<char, 1 << 16> buffer;
    const ssize_t got = recv(server_fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return {buffer.data(), static_cast<std::size_t>(got > 0 ? got : 0)};
  }

  bool answer(const std::string& bytes) {
    CHECK(send(server_fd_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
    thread_.now_ns = 3000;
    return connection_.receive();
  }

  std::string key(std::uint64_t index) const {
    std::string key(workload_.key_space.key_bytes(), ' ');
    workload_.key_space.write(key.data(), index);
    return key;
  }

  std::string value(std::uint64_t index) const {
    std::string value(workload_.sizes.of(index), ' ');
    write_value(value.data(), value.size(), index, 1);
    return value;
  }

  // A text VALUE with the right content.
  std::string hit(std::uint64_t index) const {
    return "VALUE " + key(index) + " " + std::to_string(workload_.client_flags_of(index)) + " " +
           std::to_string(workload_.sizes.of(index)) + "\r\n" + value(index) + "\r\n";
  }

  Counters& counters() { return thread_.counters; }
  LoadThread& thread() { return thread_; }
  Connection& connection() { return connection_; }

 private:
  static Workload make(const LoadOptions& options) {
    std::string error;
    auto workload = Workload::make(options, error);
    REQUIRE_MESSAGE(workload.has_value(), error);
    return *workload;
  }
  int open() {
    std::array<int, 2> fds{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data()) == 0);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    server_fd_ = fds[1];
    return fds[0];
  }

  Workload workload_;
  LoadThread thread_;
  int server_fd_ = -1;
  Connection connection_;
};

LoadOptions one_key() {
  LoadOptions options;
  options.server = "unix:/nowhere";
  options.connections = 1;
  options.keys = 1;
  options.get_share = 1;
  options.value_size = "30";
  return options;
}

}  // namespace

TEST_CASE("a right value is a hit, END alone a miss") {
  Harness harness(one_key());
  CHECK(harness.requests() == "get " + harness.key(0) + "\r\n");
  CHECK(harness.requests().empty());
  CHECK(harness.answer(harness.hit(0) + "END\r\n"));
  CHECK(harness.requests() == "get " + harness.key(0) + "\r\n");
  CHECK(harness.answer("END\r\n"));
  CHECK(harness.counters().hits == 1);
  CHECK(harness.counters().misses == 1);
  CHECK(harness.counters().requests == 2);
  CHECK(harness.counters().wrong() == 0);
  CHECK(harness.thread().get_latency.max_ns() == 2000);
}

TEST_CASE("each kind of wrong answer is found and named") {
  LoadOptions options = one_key();
  options.client_flags = true;
  const auto wrong_after = [&](auto change) {
    Harness harness(options);
    harness.requests();
    harness.answer(change(harness));
    return harness.counters();
  };
  const auto right = [](Harness& h) { return h.hit(0) + "END\r\n"; };
  CHECK(wrong_after(right).wrong() == 0);
  CHECK(wrong_after([&](Harness& h) {
          std::string reply = right(h);
          reply[reply.size() - 10] ^= 1;
          return reply;
        }).wrong_content == 1);
  CHECK(wrong_after([](Harness& h) {
          return "VALUE " + h.key(1) + " 0 30\r\n" + h.value(1) + "\r\nEND\r\n";
        }).crossed == 1);
  CHECK(wrong_after([](Harness& h) { return h.hit(0) + h.hit(0) + "END\r\n"; }).crossed == 1);
  CHECK(wrong_after([](Harness& h) {
          return "VALUE " + h.key(0) + " 0 29\r\n" + h.value(0).substr(1) + "\r\nEND\r\n";
        }).wrong_length == 1);
  CHECK(wrong_after([](Harness& h) {
          return "VALUE " + h.key(0) + " 0 30\r\n" + h.value(0) + "\r\nEND\r\n";
        }).wrong_flags == 1);
  CHECK(wrong_after([](Harness&) { return "STORED\r\n"; }).malformed == 1);
  CHECK(wrong_after([](Harness&) { return "END\r\nEND\r\n"; }).malformed == 1);
  CHECK(wrong_after([](Harness&) { return "nonsense\r\n"; }).malformed == 1);
  CHECK(wrong_after([](Harness&) { return "SERVER_ERROR x\r\n"; }).error_replies == 1);
}

TEST_CASE("the keys of a multiget may come in any order, and some not at all") {
  LoadOptions options = one_key();
  options.keys = 1000;
  options.multiget = 3;
  options.cache_aside = true;
  Harness harness(options);
  const std::string request = harness.requests();
  std::array<std::uint64_t, 3> asked{};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto index = KeySpace(20, "key:").parse(std::string_view(request).substr(4 + 21 * i, 20));
    REQUIRE(index);
    asked[i] = *index;
  }
  CHECK(harness.answer(harness.hit(asked[2]) + harness.hit(asked[0]) + "END\r\n"));
  CHECK(harness.counters().wrong() == 0);
  CHECK(harness.counters().hits == 2);
  CHECK(harness.counters().misses == 1);
  CHECK(harness.counters().keys == 3);
  CHECK(harness.requests().starts_with("set " + harness.key(asked[1]) + " 0 0 30\r\n"));
}

TEST_CASE("meta gets and sets are answered as protocol.txt says") {
  LoadOptions options = one_key();
  options.meta = true;
  Harness harness(options);
  CHECK(harness.requests() == "mg " + harness.key(0) + " k v\r\n");
  CHECK(harness.answer("VA 30 k" + harness.key(0) + "\r\n" + harness.value(0) + "\r\n"));
  CHECK(harness.counters().hits == 1);
  harness.requests();
  CHECK(harness.answer("EN\r\n"));
  CHECK(harness.counters().misses == 1);
  options.multiget = 2;
  Harness many(options);
  const std::string line = "mg " + many.key(0) + " k v q\r\n";
  CHECK(many.requests() == line + line + "mn\r\n");
  CHECK(many.answer("VA 30 k" + many.key(0) + "\r\n" + many.value(0) + "\r\nMN\r\n"));
  CHECK(many.counters().hits == 1);
  CHECK(many.counters().misses == 1);
  CHECK(many.counters().requests == 1);
}

TEST_CASE("a batch is as deep as the pipeline, and the next follows when all is answered") {
  LoadOptions options = one_key();
  options.pipeline = 3;
  const std::string miss = "END\r\n";
  Harness harness(options);
  const std::string get = "get " + harness.key(0) + "\r\n";
  CHECK(harness.requests() == get + get + get);
  CHECK(harness.answer(miss + miss));
  CHECK(harness.requests().empty());
  CHECK(harness.answer(miss));
  CHECK(harness.requests() == get + get + get);
  options.refill_each = true;
  Harness each(options);
  CHECK(each.requests() == get + get + get);
  CHECK(each.answer(miss + miss));
  CHECK(each.requests() == get + get);
}

TEST_CASE("sets without an answer are held in check by a request that has one") {
  LoadOptions options = one_key();
  options.get_share = 0;
  options.noreply = true;
  Harness harness(options);
  const std::string request = harness.requests();
  CHECK(request.starts_with("set " + harness.key(0) + " 0 0 30 noreply\r\n"));
  CHECK(request.ends_with("\r\nversion\r\n"));
  CHECK(harness.counters().noreply_sets == 64);
  CHECK(harness.requests().empty());
  CHECK(harness.answer("VERSION 1\r\n"));
  CHECK_FALSE(harness.requests().empty());
  CHECK(harness.counters().noreply_sets == 128);
}

TEST_CASE("at a fixed rate a late answer counts from when the request was due") {
  LoadOptions options = one_key();
  options.rate = 1e6;
  Harness harness(options);
  harness.thread().mode = LoadMode::kScheduled;
  harness.thread().scheduled = true;
  CHECK(harness.requests().empty());
  harness.connection().add_due();  // due at 0 ns
  harness.connection().add_due();  // due at 1000 ns
  CHECK(harness.requests() == "get " + harness.key(0) + "\r\n");
  CHECK(harness.answer("END\r\n"));
  CHECK(harness.thread().get_latency.max_ns() == 3000);
  CHECK(harness.requests() == "get " + harness.key(0) + "\r\n");
  harness.connection().add_due();
  harness.thread().now_ns = 9000;
  harness.connection().abandon();
  CHECK(harness.counters().unanswered == 1);
  CHECK(harness.counters().unsent == 1);
  CHECK(harness.thread().get_latency.max_ns() == 8000);
  CHECK(harness.thread().get_latency.count() == 3);
}

}  // namespace ringcache::bench
