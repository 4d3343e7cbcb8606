// -Y: the file, the exchange byte by byte, and what a node does with strangers.
#include "protocol/authentication.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "net/credentials.h"
#include "tests/store/node_fixture.h"
#include "tests/support/for_each_split.h"

using namespace ringcache;
using namespace ringcache::store;
using net::Credentials;
using net::kCredentialsMax;
using protocol::authenticate;
using protocol::AuthStep;
using protocol::AuthVerdict;
using protocol::kAuthLineBytesMax;
using protocol::kAuthTokenBytesMax;
using namespace ringcache::store::testing;

namespace {

// A file of its own for each test.
class PasswordFile {
 public:
  explicit PasswordFile(std::string_view text)
      : path_(std::filesystem::temp_directory_path() /
              ("ringcache-passwords-" + std::to_string(::getpid()))) {
    write(text);
  }
  ~PasswordFile() { std::filesystem::remove(path_); }
  void write(std::string_view text) const { std::ofstream(path_, std::ios::binary) << text; }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

std::string fault(std::string_view text) {
  const PasswordFile file(text);
  const auto error = Credentials().load(file.path());
  return error ? error->substr(file.path().size()) : "";
}

NodeOptions options_with(const PasswordFile& file) {
  NodeOptions options = test_options();
  options.auth_file = file.path();
  return options;
}

}  // namespace

TEST_CASE("a file of names and passwords, with and without a last newline, in DOS too") {
  for (const std::string_view text :
       {"foo:bar\nname:a:b\n", "foo:bar\nname:a:b", "foo:bar\r\nname:a:b\r\n"}) {
    const PasswordFile file(text);
    Credentials credentials;
    REQUIRE_FALSE(credentials.load(file.path()));
    CHECK(credentials.size() == 2);
    CHECK(credentials.match("foo", "bar"));
    CHECK(credentials.match("name", "a:b"));
    CHECK_FALSE(credentials.match("foo", "baz"));
    CHECK_FALSE(credentials.match("foo", "barr"));
    CHECK_FALSE(credentials.match("foo", ""));
    CHECK_FALSE(credentials.match("foo", "a:b"));
  }
}

TEST_CASE("a bad file is refused by its line") {
  CHECK(fault("") == ":1: no line name:password");
  CHECK(fault("foo:bar\nbaz\n") == ":2: not of the form name:password");
  CHECK(fault("foo:bar\n\n") == ":2: not of the form name:password");
  CHECK(fault(":bar\n") == ":1: without a name");
  CHECK(fault("foo:\n") == ":1: without a password");
  CHECK(fault("foo:b r\n").starts_with(":1: a name or password with a space"));
  CHECK(fault(std::string_view("foo:b\0r\n", 8)).starts_with(":1: a name or password with a"));
  CHECK(fault("foo:" + std::string(252, 'x') + "\n") == ":1: longer than 255 bytes");
  CHECK(fault("foo:" + std::string(251, 'x') + "\n").empty());
  std::string many;
  for (std::size_t i = 0; i < kCredentialsMax; ++i) many += "foo:bar\n";
  CHECK(fault(many).empty());
  CHECK(fault(many + "foo:bar\n") == ":9: more than 8 lines");
  CHECK(fault(std::string(100'000, 'x')) == ": more than 2313 bytes");
  CHECK(Credentials().load("/nonexistent") == "/nonexistent: No such file or directory");
  CHECK(Credentials().load("/dev/zero") == "/dev/zero: more than 2313 bytes");
}

TEST_CASE("each command before the password has its answer, however the bytes come") {
  const PasswordFile file("foo:bar\n");
  Credentials credentials;
  REQUIRE_FALSE(credentials.load(file.path()));
  const std::string unknown = "CLIENT_ERROR unauthenticated\r\n";
  const std::string wrong = "CLIENT_ERROR authentication failure\r\n";
  const std::string bad_token = "CLIENT_ERROR bad authentication token format\r\n";
  struct Case {
    std::string bytes;
    std::string answer;
    AuthVerdict last;
  };
  const std::string long_token(kAuthTokenBytesMax, 'x');
  for (const Case& each : std::vector<Case>{
           {"get a\r\n", unknown, AuthVerdict::kMalformed},
           {"set a 0 0 7\r\nfoo bar\r\n", "STORED\r\n", AuthVerdict::kGranted},
           {"set a 0 0 7\nfoo bar\r\n", "STORED\r\n", AuthVerdict::kGranted},
           {" set  a x y 7 noreply \r\nfoo bar\r\n", "STORED\r\n", AuthVerdict::kGranted},
           {"set a 0 0 12\r\n foo  bar  x\r\n", "STORED\r\n", AuthVerdict::kGranted},
           {"set a 0 0 8\r\nfoo barr\r\n", wrong, AuthVerdict::kWrong},
           {"set a 0 0 8 noreply\r\nfoo barr\r\n", wrong, AuthVerdict::kWrong},
           {"set a 0 0 3\r\nfoo\r\n", bad_token, AuthVerdict::kMalformed},
           {"set a 0 0 0\r\n\r\n", bad_token, AuthVerdict::kMalformed},
           {"set a 0 0 7\r\nfoo barXX", "CLIENT_ERROR bad command line termination\r\n",
            AuthVerdict::kMalformed},
           {"set a 0 0 -1\r\n", unknown, AuthVerdict::kMalformed},
           // Numbers as elsewhere.
           {"set a 0 0 +7\r\nfoo bar\r\n", "STORED\r\n", AuthVerdict::kGranted},
           {"set a 0 0 7x\r\n", unknown, AuthVerdict::kMalformed},
           // The data of others is theirs, even if it looks like a command.
           {"add a 0 0 7\r\nversion\r\nmn\r\n", unknown + unknown, AuthVerdict::kMalformed},
           {"cas a 0 0 7 1 noreply\r\nversion\r\n", unknown, AuthVerdict::kMalformed},
           {"ms a 23\r\nset a 0 0 7\r\nfoo bar\r\n\r\nmn\r\n", unknown + unknown,
            AuthVerdict::kMalformed},
           {"add " + std::string(300, 'k') + " 0 0 7\r\nversion\r\n", unknown,
            AuthVerdict::kMalformed},
           {"add a 0 0\r\nversion\r\n", unknown + unknown, AuthVerdict::kMalformed},
           {"incr a 7\r\nversion\r\n", unknown + unknown, AuthVerdict::kMalformed},
           {"set a 0 0\r\n", unknown, AuthVerdict::kMalformed},
           {"SET a 0 0 7\r\nfoo bar\r\n", unknown + unknown, AuthVerdict::kMalformed},
           {"quit\r\nset a 0 0 7\r\nfoo bar\r\n", unknown + "STORED\r\n", AuthVerdict::kGranted},
           {"set a 0 0 2048\r\n" + long_token + "\r\n", bad_token, AuthVerdict::kMalformed},
           {"set a 0 0 2049\r\n", bad_token, AuthVerdict::kClose},
           {std::string(kAuthLineBytesMax + 1, 'x'), "", AuthVerdict::kClose}}) {
    CAPTURE(each.bytes.substr(0, 60));
    test::for_each_split(
        each.bytes,
        [&](const std::vector<std::string_view>& pieces) {
          std::string input;
          std::string answer;
          AuthVerdict last = AuthVerdict::kNeedMore;
          std::size_t swallow_bytes = 0;
          for (const std::string_view piece : pieces) {
            input += piece;
            while (last != AuthVerdict::kClose) {
              const std::size_t dropped = std::min(swallow_bytes, input.size());
              input.erase(0, dropped);
              swallow_bytes -= dropped;
              const AuthStep step = authenticate(input, credentials);
              if (step.verdict == AuthVerdict::kNeedMore) break;
              last = step.verdict;
              answer += step.answer;
              input.erase(0, step.consumed_bytes);
              swallow_bytes = step.swallow_bytes;
            }
          }
          const bool as_expected =
              answer == each.answer && last == each.last && input.empty() && swallow_bytes == 0;
          CHECK(as_expected);
        },
        0);
  }
}

TEST_CASE("a node serves nobody before the password, and everything after it") {
  const PasswordFile file("foo:bar\n");
  TestNode server(options_with(file));
  Client client = server.client();
  check_exchange(client, "version\r\nstats\r\n",
                 "CLIENT_ERROR unauthenticated\r\nCLIENT_ERROR unauthenticated\r\n");
  check_exchange(client, "set x 0 0 7\r\nfoo baz\r\n", "CLIENT_ERROR authentication failure\r\n");
  check_exchange(client, "set x 0 0 7\r\nfoo bar\r\nset k 0 0 1\r\n1\r\nget k x\r\n",
                 "STORED\r\nSTORED\r\n" + value_reply("k", "1") + "END\r\n");
  // A set is a set again.
  check_exchange(client, "set x 0 0 7\r\nfoo baz\r\n", "STORED\r\n");
  REQUIRE(client.send("stats\r\nstats settings\r\nquit\r\n"));
  const std::string stats = client.receive_all();
  CHECK(stats.find("STAT auth_cmds 2\r\n") != std::string::npos);
  CHECK(stats.find("STAT auth_errors 1\r\n") != std::string::npos);
  CHECK(stats.find("STAT auth_strays 2\r\n") != std::string::npos);
  CHECK(stats.find("STAT auth_enabled_ascii " + file.path() + "\r\n") != std::string::npos);
}

TEST_CASE("what a stranger sends to be stored is dropped, with and without a time for it") {
  const PasswordFile file("foo:bar\n");
  for (const int timeout_s : {0, 30}) {
    NodeOptions options = options_with(file);
    options.auth_timeout = std::chrono::seconds(timeout_s);
    TestNode server(options);
    Client client = server.client();
    const std::string block(2'000'000, 'x');
    for (int round = 0; round < 2; ++round) {
      check_exchange(client, "add k 0 0 2000000\r\n" + block + "\r\nms k 3\r\nmn\r\r\nmn\r\n",
                     "CLIENT_ERROR unauthenticated\r\nCLIENT_ERROR unauthenticated\r\n"
                     "CLIENT_ERROR unauthenticated\r\n");
    }
    check_exchange(client, "set x 0 0 7\r\nfoo bar\r\nget k\r\n", "STORED\r\nEND\r\n");
  }
}

TEST_CASE("a reload changes who may come, not who is there; a bad file changes nothing") {
  const PasswordFile file("foo:bar\n");
  TestNode server(options_with(file));
  Client client = server.client();
  check_exchange(client, "set x 0 0 7\r\nfoo bar\r\n", "STORED\r\n");
  file.write("foo:new\n");
  server.node.reload();
  check_exchange(client, "mn\r\n", "MN\r\n");
  Client late = server.client();
  check_exchange(late, "set x 0 0 7\r\nfoo bar\r\n", "CLIENT_ERROR authentication failure\r\n");
  check_exchange(late, "set x 0 0 7\r\nfoo new\r\n", "STORED\r\n");
  file.write("nonsense\n");
  server.node.reload();
  Client later = server.client();
  check_exchange(later, "set x 0 0 7\r\nfoo new\r\n", "STORED\r\n");
}

TEST_CASE("a node does not start with a bad password file") {
  const PasswordFile file("foo:bar\nnonsense\n");
  CHECK_THROWS_WITH_AS(Node(options_with(file)),
                       ("-Y " + file.path() + ":2: not of the form name:password").c_str(),
                       std::runtime_error);
}

TEST_CASE("a stranger that floods or stays silent is cut and holds nothing") {
  const PasswordFile file("foo:bar\n");
  NodeOptions options = options_with(file);
  options.auth_timeout = std::chrono::seconds(5);
  ManualNode server(options);
  Client client = server.client();
  check_exchange(client, "set x 0 0 7\r\nfoo bar\r\n", "STORED\r\n");
  Client flooding = server.client();
  REQUIRE(flooding.send(std::string(10'000, 'x')));
  CHECK(flooding.receive_all().empty());
  Client heavy = server.client();
  check_exchange(heavy, "set a 0 0 1000000\r\nxxxx",
                 "CLIENT_ERROR bad authentication token format\r\n");
  CHECK(heavy.receive_all().empty());
  Client silent = server.client();
  check_exchange(silent, "mn\r\n", "CLIENT_ERROR unauthenticated\r\n");
  server.pass(std::chrono::seconds(4));
  check_exchange(silent, "mn\r\nset x 0 0 7\r\nfo", "CLIENT_ERROR unauthenticated\r\n");
  server.pass(std::chrono::seconds(2));
  CHECK(silent.receive_all().empty());
  check_exchange(client, "mn\r\n", "MN\r\n");
  REQUIRE(client.send("stats\r\nquit\r\n"));
  CHECK(client.receive_all().find("STAT auth_kicks 1\r\n") != std::string::npos);
}
