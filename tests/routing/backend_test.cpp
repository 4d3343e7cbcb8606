#include "routing/backend.h"

#include <doctest/doctest.h>

#include <string>

namespace ringcache::routing {

TEST_CASE("addresses in all their forms") {
  struct Case {
    const char* address;
    const char* host;
    std::uint16_t port;
    const char* name;
  };
  for (const Case& c : {
           Case{"10.0.0.1:11212", "10.0.0.1", 11212, "10.0.0.1:11212"},
           Case{"10.0.0.1", "10.0.0.1", 11211, "10.0.0.1:11211"},
           Case{"cache-a.example", "cache-a.example", 11211, "cache-a.example:11211"},
           Case{"cache_a:1", "cache_a", 1, "cache_a:1"},
           Case{"h:65535", "h", 65535, "h:65535"},
           Case{"[fd00::1]:11212", "fd00::1", 11212, "[fd00::1]:11212"},
           Case{"[::1]", "::1", 11211, "[::1]:11211"},
           Case{"[fe80::1%eth0]:1", "fe80::1%eth0", 1, "[fe80::1%eth0]:1"},
       }) {
    CAPTURE(c.address);
    const BackendParse parsed = parse_backend(c.address);
    CHECK(parsed.error == "");
    CHECK(parsed.backend.host == c.host);
    CHECK(parsed.backend.port == c.port);
    CHECK(parsed.backend.name == c.name);
    CHECK(parsed.backend.address == c.address);
    CHECK_FALSE(parsed.backend.is_unix());
    CHECK_FALSE(parsed.backend.named);
    CHECK(parsed.backend.weight == 1);
    CHECK_FALSE(parsed.backend.drain);
  }
}

TEST_CASE("a UNIX socket") {
  const BackendParse parsed = parse_backend("unix:/run/cache.sock");
  REQUIRE(parsed.ok());
  CHECK(parsed.backend.is_unix());
  CHECK(parsed.backend.unix_path == "/run/cache.sock");
  CHECK(parsed.backend.host.empty());
  CHECK(parsed.backend.port == 0);
  CHECK(parsed.backend.name == "unix:/run/cache.sock");
  CHECK(parse_backend("unix:/" + std::string(kUnixPathBytesMax - 1, 'p')).ok());
}

TEST_CASE("an address with a fault says what it is") {
  struct Case {
    std::string address;
    const char* says;
  };
  for (const Case& c : {
           Case{"", "empty"},
           Case{":11211", "host is missing"},
           Case{"h:", "port \"\""},
           Case{"h:0", "port \"0\""},
           Case{"h:65536", "port \"65536\""},
           Case{"h:99999999999999999999", "port"},
           Case{"h:-1", "port \"-1\""},
           Case{"h:+1", "port \"+1\""},
           Case{"h: 1", "port \" 1\""},
           Case{"h:1x", "port \"1x\""},
           Case{"host:b:1", "more than one \":\""},
           Case{"fd00::1", "needs brackets"},
           Case{"[fd00::1", "without"},
           Case{"[]:1", "no IPv6"},
           Case{"[10.0.0.1]:1", "no IPv6"},
           Case{"[::1]x", "may follow"},
           Case{"[::1]:", "port"},
           Case{"ho st:1", "character"},
           Case{"ho\nst:1", "character"},
           Case{"h\xc3\xb6st:1", "character"},
           Case{"http://h", "port"},
           Case{"a/b", "character"},
           Case{std::string(254, 'h'), "254 bytes"},
           Case{"unix:", "must start"},
           Case{"unix:relative", "must start"},
           Case{"unix:/a b", "spaces"},
           Case{"unix:/" + std::string(kUnixPathBytesMax, 'p'), "at most 107"},
       }) {
    CAPTURE(c.address);
    const BackendParse parsed = parse_backend(c.address);
    CHECK_FALSE(parsed.ok());
    CAPTURE(parsed.error);
    CHECK(parsed.error.find(c.says) != std::string::npos);
  }
}

TEST_CASE("a name of its own") {
  Backend backend = parse_backend("10.0.0.1").backend;
  set_name(backend, "cache-a");
  CHECK(backend.name == "cache-a");
  CHECK(backend.named);
  CHECK(backend.address == "10.0.0.1");
}

}  // namespace ringcache::routing
