#include "net/address.h"

#include <doctest/doctest.h>

#include <string>

using ringcache::net::Address;

TEST_CASE("an address reads back as it was written") {
  for (const char* text :
       {"127.0.0.1:11211", "cache-a.example:1", "[::1]:11211", "[::]:0", "unix:/run/x.sock"}) {
    CAPTURE(text);
    Address address;
    std::string error;
    REQUIRE(Address::parse(text, address, error));
    CHECK(address.text() == text);
  }
}

TEST_CASE("the parts of an address") {
  Address address;
  std::string error;
  REQUIRE(Address::parse("[fe80::1]:65535", address, error));
  CHECK(address.kind == Address::Kind::kTcp);
  CHECK(address.host == "fe80::1");
  CHECK(address.port == 65535);
  REQUIRE(Address::parse("unix:relative.sock", address, error));
  CHECK(address.kind == Address::Kind::kUnix);
  CHECK(address.path == "relative.sock");
}

TEST_CASE("a bad address is refused with its text and the reason") {
  const std::string long_path = "unix:/" + std::string(107, 'p');
  const std::string with_zero = std::string("unix:/a\0b", 9);
  for (const std::string& text :
       {std::string(""), std::string("host"), std::string(":11211"), std::string("host:"),
        std::string("host:65536"), std::string("host:-1"), std::string("host:1x"),
        std::string("::1:11211"), std::string("[::1:11211"), std::string("[]:1"),
        std::string("a b:1"), std::string("a/b:1"), std::string("unix:"), long_path, with_zero}) {
    CAPTURE(text);
    Address address = Address::tcp("untouched", 7);
    std::string error;
    CHECK_FALSE(Address::parse(text, address, error));
    CHECK(error.find(text) != std::string::npos);
    CHECK(error.size() > text.size() + 4);
    CHECK(address == Address::tcp("untouched", 7));
  }
}
