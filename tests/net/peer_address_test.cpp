#include "net/peer_address.h"

#include <doctest/doctest.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

#include "net/connection_profile.h"

using namespace ringcache::net;

TEST_CASE("a peer's address comes out as it went in") {
  for (const auto& [host, text] :
       {std::pair("127.0.0.1", "127.0.0.1:51234"),
        std::pair("255.254.253.252", "255.254.253.252:51234"), std::pair("::1", "[::1]:51234")}) {
    Endpoint endpoint;
    REQUIRE(numeric_endpoint(host, 51234, endpoint));
    const PeerAddress peer(endpoint);
    CHECK(peer.text() == text);
    const Endpoint again = peer.endpoint();
    REQUIRE(again.length == endpoint.length);
    CHECK(std::memcmp(&again.storage, &endpoint.storage, endpoint.length) == 0);
  }
}

TEST_CASE("a UNIX peer has a path or no name") {
  CHECK(sizeof(PeerAddress) == 8);
  CHECK(PeerAddress().text() == "unix");
  Endpoint endpoint;
  REQUIRE(unix_endpoint("/run/" + std::string(100, 'x'), endpoint));
  PeerAddress moved;
  moved = PeerAddress(endpoint);
  const PeerAddress peer(std::move(moved));
  const Endpoint again = peer.endpoint();
  CHECK(again.length == endpoint.length);
  CHECK(std::memcmp(&again.storage, &endpoint.storage, endpoint.length) == 0);
  endpoint.length = sizeof(sa_family_t);
  CHECK(PeerAddress(endpoint).endpoint().family() == AF_UNIX);
  CHECK(PeerAddress(endpoint).endpoint().length == sizeof(sa_family_t));
}

TEST_CASE("connections of a kind share a profile, which goes with the last of them") {
  ConnectionProfiles profiles;
  ConnectionProfile wanted;
  const ConnectionProfile* const first = profiles.take(wanted);
  CHECK(profiles.take(wanted) == first);
  wanted.options.idle_timeout = std::chrono::seconds(1);
  const ConnectionProfile* const other = profiles.take(wanted);
  CHECK(other != first);
  CHECK(other->options == wanted.options);
  profiles.give_back(first);
  profiles.give_back(other);
  CHECK(profiles.size() == 1);
  profiles.give_back(first);
  CHECK(profiles.size() == 0);
}
