#include "proxy/in_flight.h"

#include <doctest/doctest.h>

using namespace ringcache::proxy;
using ringcache::protocol::Command;
using ringcache::protocol::Response;
using ringcache::protocol::ResponseStatus;

namespace {

Response reply(ResponseStatus status, std::string_view key = {}, std::string_view flags = {}) {
  Response response;
  response.status = status;
  response.key = key;
  response.meta_flags = flags;
  return response;
}

}  // namespace

TEST_CASE("a reply is one that its command can have") {
  const InFlight set{.command = Command::kSet};
  CHECK(is_reply_to(set, reply(ResponseStatus::kStored)));
  CHECK(is_reply_to(set, reply(ResponseStatus::kServerError)));
  CHECK_FALSE(is_reply_to(set, reply(ResponseStatus::kDeleted)));
  CHECK_FALSE(is_reply_to(set, reply(ResponseStatus::kValue, "k")));
  const InFlight probe{.command = Command::kVersion, .probe = true};
  CHECK(is_reply_to(probe, reply(ResponseStatus::kVersion)));
  CHECK_FALSE(is_reply_to(probe, reply(ResponseStatus::kError)));
}

TEST_CASE("a value is of the key that was asked for, and no more come than keys") {
  InFlight get{.command = Command::kGet, .keys_left = 1, .key_mark = key_mark("mine")};
  CHECK(is_reply_to(get, reply(ResponseStatus::kValue, "mine")));
  CHECK_FALSE(is_reply_to(get, reply(ResponseStatus::kValue, "other")));
  CHECK(is_reply_to(get, reply(ResponseStatus::kEnd)));
  get.keys_left = 0;
  CHECK_FALSE(is_reply_to(get, reply(ResponseStatus::kValue, "mine")));
  const InFlight multiget{.command = Command::kGet, .keys_left = 2};
  CHECK(is_reply_to(multiget, reply(ResponseStatus::kValue, "any")));
}

TEST_CASE("a meta reply that names a key names the one that was asked for, or its base64") {
  const InFlight get{.command = Command::kMetaGet, .key_mark = key_mark("mine")};
  CHECK(is_reply_to(get, reply(ResponseStatus::kMetaHit, "mine", " kmine")));
  CHECK_FALSE(is_reply_to(get, reply(ResponseStatus::kMetaHit, "other", " kother")));
  CHECK(is_reply_to(get, reply(ResponseStatus::kMetaHit, "bWluZQ==", " kbWluZQ== b")));
  CHECK(is_reply_to(get, reply(ResponseStatus::kMetaHit, "bWluZQ==", " b kbWluZQ==")));
  CHECK_FALSE(is_reply_to(get, reply(ResponseStatus::kMetaHit, "other", " kother Obig")));
  CHECK(is_reply_to(get, reply(ResponseStatus::kMetaMiss)));
}
