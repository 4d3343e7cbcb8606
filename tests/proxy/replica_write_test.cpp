#include "proxy/replica_write.h"

#include <doctest/doctest.h>

#include "protocol/response.h"

namespace ringcache::proxy {

namespace {

protocol::Response reply(protocol::ResponseStatus status, std::string_view bytes) {
  protocol::Response response;
  response.status = status;
  response.bytes = bytes;
  return response;
}

const protocol::Response kStoredReply = reply(protocol::ResponseStatus::kStored, "STORED\r\n");
const protocol::Response kErrorReply =
    reply(protocol::ResponseStatus::kServerError, "SERVER_ERROR out of memory\r\n");
const protocol::Response kNotFoundReply =
    reply(protocol::ResponseStatus::kNotFound, "NOT_FOUND\r\n");
const protocol::Response kDeletedReply = reply(protocol::ResponseStatus::kDeleted, "DELETED\r\n");

}  // namespace

TEST_CASE("the owner's answer is the answer, whoever is first") {
  ReplicaWrite write;
  CHECK_FALSE(write.on());
  write.begin();
  CHECK(write.on());
  write.take(1, kNotFoundReply);
  CHECK(write.answer().empty());
  write.take(0, kDeletedReply);
  write.take(2, kNotFoundReply);
  CHECK(write.answer() == "DELETED\r\n");
  CHECK(write.status() == protocol::ResponseStatus::kDeleted);
}

TEST_CASE("a node that refuses or fails is the answer, whoever else did well") {
  ReplicaWrite write;
  write.begin();
  write.take(0, kStoredReply);
  SUBCASE("refuses") {
    write.take(1, kErrorReply);
    CHECK(write.answer() == "SERVER_ERROR out of memory\r\n");
  }
  SUBCASE("fails") {
    write.fail("SERVER_ERROR node n closed the connection\r\n");
    CHECK(write.answer() == "SERVER_ERROR node n closed the connection\r\n");
  }
  CHECK(write.status() == protocol::ResponseStatus::kServerError);
  const std::string first(write.answer());
  write.take(0, kStoredReply);
  write.fail("SERVER_ERROR another\r\n");
  CHECK(write.answer() == first);
}

TEST_CASE("used again it remembers nothing") {
  ReplicaWrite write;
  write.begin();
  write.fail("SERVER_ERROR node n\r\n");
  write.clear();
  CHECK_FALSE(write.on());
  CHECK(write.answer().empty());
  write.begin();
  write.take(0, kStoredReply);
  CHECK(write.answer() == "STORED\r\n");
}

}  // namespace ringcache::proxy
