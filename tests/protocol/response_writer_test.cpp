#include "protocol/response_writer.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "protocol/request_parser.h"
#include "protocol/response_parser.h"

namespace {

using namespace ringcache::protocol;

// Runs `write` on memory of exactly `bytes_max`, so that the sanitizer sees one byte more.
template <typename Write>
std::string written(std::size_t bytes_max, Write write) {
  std::string out(bytes_max, '?');
  char* const end = write(out.data());
  REQUIRE(static_cast<std::size_t>(end - out.data()) <= bytes_max);
  return std::string(out.data(), end);
}

std::string meta(Command command, ResponseStatus status, MetaReplyFlags flags,
                 const MetaItemFacts& facts) {
  return written(kMetaLineBytesMax,
                 [&](char* out) { return write_meta(out, command, status, flags, facts); });
}

TEST_CASE("text replies") {
  CHECK(written(line_bytes_max(kErrorTooLarge), [](char* out) {
          return write_line(out, kErrorTooLarge);
        }) == "SERVER_ERROR object too large for cache\r\n");
  CHECK(written(value_header_bytes_max("key"), [](char* out) {
          return write_value_header(out, "key", 5, 10);
        }) == "VALUE key 5 10\r\n");
  CHECK(written(value_header_bytes_max("key"), [](char* out) {
          return write_value_header(out, "key", UINT32_MAX, SIZE_MAX, UINT64_MAX);
        }) == "VALUE key 4294967295 18446744073709551615 18446744073709551615\r\n");
  CHECK(written(kNumberLineBytesMax, [](char* out) { return write_number(out, UINT64_MAX); }) ==
        "18446744073709551615\r\n");
  CHECK(written(stat_bytes_max("pid"), [](char* out) {
          return write_stat(out, "pid", UINT64_MAX);
        }) == "STAT pid 18446744073709551615\r\n");
  CHECK(written(stat_bytes_max("version", "1.2"), [](char* out) {
          return write_stat(out, "version", "1.2");
        }) == "STAT version 1.2\r\n");
}

TEST_CASE("meta flags come back in the order asked") {
  MetaItemFacts facts;
  facts.key = "foo";
  facts.value_bytes = 2;
  facts.client_flags = 7;
  facts.cas_unique = 99;
  facts.ttl_s = 30;
  facts.last_access_s = 4;
  facts.fetched = true;
  const MetaReplyFlags flags{"stcfhlkOvuqTNRPLbI", "op"};
  CHECK(meta(Command::kMetaGet, ResponseStatus::kMetaValue, flags, facts) ==
        "VA 2 s2 t30 c99 f7 h1 l4 kfoo Oop\r\n");
  CHECK(meta(Command::kMetaGet, ResponseStatus::kMetaHit, {"kc", ""}, facts) == "HD kfoo c99\r\n");
  CHECK(meta(Command::kMetaGet, ResponseStatus::kMetaHit, {"ck", ""}, facts) == "HD c99 kfoo\r\n");
  CHECK(meta(Command::kMetaGet, ResponseStatus::kMetaMiss, flags, facts) == "EN kfoo Oop\r\n");
  CHECK(meta(Command::kMetaSet, ResponseStatus::kMetaHit, flags, facts) == "HD c99 kfoo Oop\r\n");
  CHECK(meta(Command::kMetaSet, ResponseStatus::kMetaNotStored, flags, facts) ==
        "NS c99 kfoo Oop\r\n");
  CHECK(meta(Command::kMetaDelete, ResponseStatus::kMetaHit, flags, facts) == "HD kfoo Oop\r\n");
  CHECK(meta(Command::kMetaDelete, ResponseStatus::kMetaNotFound, flags, facts) ==
        "NF kfoo Oop\r\n");
  CHECK(meta(Command::kMetaArithmetic, ResponseStatus::kMetaValue, flags, facts) ==
        "VA 2 t30 c99 kfoo Oop\r\n");
  CHECK(meta(Command::kMetaArithmetic, ResponseStatus::kMetaExists, flags, facts) ==
        "EX kfoo Oop\r\n");
}

TEST_CASE("recache flags follow, and only on a hit of mg") {
  MetaItemFacts facts;
  facts.won = facts.stale = facts.win_sent = true;
  CHECK(meta(Command::kMetaGet, ResponseStatus::kMetaHit, {}, facts) == "HD Z X W\r\n");
  CHECK(meta(Command::kMetaGet, ResponseStatus::kMetaMiss, {}, facts) == "EN\r\n");
  CHECK(meta(Command::kMetaArithmetic, ResponseStatus::kMetaHit, {}, facts) == "HD\r\n");
}

TEST_CASE("a binary key comes back in base64, marked") {
  MetaItemFacts facts;
  facts.key = "f\n";
  facts.key_is_base64 = true;
  CHECK(meta(Command::kMetaGet, ResponseStatus::kMetaHit, {"tkc", ""}, facts) ==
        "HD t-1 kZgo= b c0\r\n");
}

TEST_CASE("the longest meta line fits") {
  const std::string key(kKeyBytesMax, 'k');
  const std::string opaque(kOpaqueBytesMax, 'o');
  MetaItemFacts facts;
  facts.key = key;
  facts.value_bytes = SIZE_MAX;
  facts.client_flags = UINT32_MAX;
  facts.cas_unique = UINT64_MAX;
  facts.ttl_s = facts.last_access_s = INT64_MIN;
  facts.won = facts.stale = facts.win_sent = true;
  CHECK(meta(Command::kMetaGet, ResponseStatus::kMetaValue, {"cfhklOstbuvqIPL", opaque}, facts)
            .ends_with(" Z X W\r\n"));
  facts.key = std::string_view(key).substr(0, kBase64KeyDecodedBytesMax);
  facts.key_is_base64 = true;
  CHECK(meta(Command::kMetaGet, ResponseStatus::kMetaValue, {"cfhklOstbuvqIPL", opaque}, facts)
            .ends_with(" Z X W\r\n"));
}

TEST_CASE("meta debug") {
  MetaDebugFacts facts;
  facts.key = "foo";
  facts.cas_unique = 5;
  facts.slab_class = 1;
  facts.item_bytes = 63;
  CHECK(written(kMetaLineBytesMax, [&](char* out) { return write_meta_debug(out, facts); }) ==
        "ME foo exp=-1 la=0 cas=5 fetch=no cls=1 size=63\r\n");
  facts.key_is_base64 = true;
  facts.fetched = true;
  CHECK(written(kMetaLineBytesMax, [&](char* out) { return write_meta_debug(out, facts); }) ==
        "ME Zm9v exp=-1 la=0 cas=5 fetch=yes cls=1 size=63\r\n");
}

TEST_CASE("what the server writes the proxy reads") {
  const ResponseParser parser(100);
  Response response;
  std::size_t consumed_bytes = 0;
  const std::string value =
      written(value_header_bytes_max("key"),
              [](char* out) { return write_value_header(out, "key", 5, 3, 77); }) +
      "abc\r\n";
  CHECK(parser.parse(value, ReplyKind::kValues, response, consumed_bytes) == ParseResult::kDone);
  CHECK(response.key == "key");
  CHECK(response.client_flags == 5);
  CHECK(response.cas_unique == 77);
  CHECK(response.value == "abc");

  MetaItemFacts facts;
  facts.key = "key";
  facts.value_bytes = 3;
  facts.cas_unique = 77;
  facts.client_flags = 5;
  const std::string hit =
      meta(Command::kMetaGet, ResponseStatus::kMetaValue, {"kcfO", "op"}, facts) + "abc\r\n";
  CHECK(parser.parse(hit, ReplyKind::kMeta, response, consumed_bytes) == ParseResult::kDone);
  CHECK(response.key == "key");
  CHECK(response.cas_unique == 77);
  CHECK(response.client_flags == 5);
  CHECK(response.opaque == "op");
  CHECK(response.value == "abc");
}

TEST_CASE("the flags of an ms outlive its line") {
  SavedMetaFlags saved;
  {
    const std::string line = "ms key 2 k Oopaque c q\r\n";
    RequestParser parser;
    Request request;
    std::size_t consumed_bytes = 0;
    REQUIRE(parser.parse(line, request, consumed_bytes) == ParseResult::kDone);
    saved = SavedMetaFlags(request.meta);
  }
  CHECK(saved.reply_flags().letters == "kOcq");
  CHECK(saved.reply_flags().opaque == "opaque");
}

}  // namespace
