#include "protocol/sasl_authentication.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/binary_packet.h"
#include "tests/support/for_each_split.h"

namespace ringcache::protocol {
namespace {

using namespace std::string_view_literals;
using test::answer_packet;
using test::request_packet;

struct OneName {
  bool match(std::string_view name, std::string_view password) const {
    return name == "anna" && password == "sesame";
  }
};

constexpr std::string_view kGood = "\0anna\0sesame"sv;

std::string auth(std::string_view message, std::string_view mechanism = "PLAIN") {
  return request_packet({.opcode = 0x21, .key = mechanism, .value = message, .opaque = 7});
}

AuthVerdict verdict_of(std::string_view bytes, std::string* answer = nullptr) {
  SaslStep step;
  authenticate_packet(bytes, OneName{}, step);
  if (answer != nullptr) *answer = step.step.answer;
  return step.step.verdict;
}

}  // namespace

TEST_CASE("a name and its password, however they are cut") {
  const std::string whole = auth(kGood);
  test::for_each_split(whole, [&](const std::vector<std::string_view>& pieces) {
    std::string here;
    SaslStep step;
    for (const std::string_view piece : pieces) {
      REQUIRE(step.step.verdict == AuthVerdict::kNeedMore);
      here += piece;
      authenticate_packet(here, OneName{}, step);
    }
    CHECK(step.step.verdict == AuthVerdict::kGranted);
    CHECK(step.step.consumed_bytes == whole.size());
    CHECK(step.step.answer ==
          answer_packet({.opcode = 0x21, .value = "Authenticated", .opaque = 7}));
  });
  CHECK(verdict_of(auth("admin\0anna\0sesame"sv)) == AuthVerdict::kGranted);
}

TEST_CASE("what is wrong, and what is no such message") {
  const std::string refusal =
      answer_packet({.opcode = 0x21, .value = "Auth failure.", .opaque = 7, .status = 0x20});
  std::string answer;
  CHECK(verdict_of(auth("\0anna\0open"sv), &answer) == AuthVerdict::kWrong);
  CHECK(answer == refusal);
  for (const std::string& each : {auth(""), auth("anna"), auth("\0anna"sv), auth("\0\0sesame"sv),
                                  auth("\0anna\0"sv), auth(kGood, "CRAM-MD5"), auth(kGood, "")}) {
    CHECK(verdict_of(each, &answer) == AuthVerdict::kMalformed);
    CHECK(answer == refusal);
  }
}

TEST_CASE("the mechanisms are told; other packets are refused and dropped") {
  std::string answer;
  CHECK(verdict_of(request_packet({.opcode = 0x20, .opaque = 9}), &answer) ==
        AuthVerdict::kMalformed);
  CHECK(answer == answer_packet({.opcode = 0x20, .value = "PLAIN", .opaque = 9}));
  SaslStep step;
  authenticate_packet(
      request_packet({.opcode = 0x01, .key = "k", .extras = "12345678", .value = "v"}), OneName{},
      step);
  CHECK(step.step.verdict == AuthVerdict::kMalformed);
  CHECK(step.step.consumed_bytes == kBinaryHeaderBytes);
  CHECK(step.step.swallow_bytes == 10);
}

TEST_CASE("lengths that lie, too long a message and another protocol close") {
  CHECK(verdict_of(auth(std::string(kAuthTokenBytesMax, 'x'))) == AuthVerdict::kClose);
  std::string lies = auth(kGood);
  lies[11] = 2;
  CHECK(verdict_of(lies) == AuthVerdict::kClose);
  CHECK(verdict_of("set k 0 0 1\r\n") == AuthVerdict::kClose);
  CHECK(verdict_of("") == AuthVerdict::kNeedMore);
}

}  // namespace ringcache::protocol
