#include "protocol/request_parser.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "protocol/response.h"
#include "tests/protocol/transcript.h"
#include "tests/support/for_each_split.h"

namespace {

using namespace ringcache::protocol;
using ringcache::test::for_each_split;
using ringcache::test::transcribe_requests;
using ringcache::test::Transcript;

using Lines = std::vector<std::string>;

// What the parser makes of `input`, the same however it is cut.
Lines parsed(std::string_view input) {
  const Transcript whole = transcribe_requests({input});
  CHECK(whole.broken_promise == "");
  for_each_split(input, [&](const std::vector<std::string_view>& pieces) {
    const Transcript cut = transcribe_requests(pieces);
    if (cut == whole) return;
    CAPTURE(pieces.size());
    CAPTURE(pieces[0].size());
    CHECK(cut.lines == whole.lines);
    CHECK(cut.broken_promise == "");
  });
  return whole.lines;
}

std::string one(std::string_view input) {
  const Lines lines = parsed(input);
  REQUIRE(lines.size() == 1);
  return lines[0];
}

std::string a_key(std::size_t bytes) {
  return std::string(bytes, 'k');
}

TEST_CASE("retrieval commands") {
  CHECK(one("get a\r\n") == "get key=a");
  CHECK(one("gets a bb ccc\r\n") == "gets key=a key=bb key=ccc");
  CHECK(one("gat 10 a b\r\n") == "gat exptime=10 key=a key=b");
  CHECK(one("gats -1 a\n") == "gats exptime=-1 key=a");
  CHECK(one("gat 10\r\n") == "gat exptime=10");
  CHECK(one("get\r\n") == "!ERROR");
  CHECK(one("get  \r\n") == "!ERROR");
  CHECK(one("gat\r\n") == "!ERROR");
  CHECK(one("gat x a\r\n") == "!CLIENT_ERROR invalid exptime argument");
}

TEST_CASE("storage commands") {
  CHECK(parsed("set a 1 2 3\r\nabc\r\n") ==
        Lines{"set bytes=3 flags=1 exptime=2 key=a", " data=abc\\x0d\\x0a"});
  CHECK(parsed("cas a 1 2 0 99 noreply\r\n\r\n") ==
        Lines{"cas quiet bytes=0 flags=1 exptime=2 cas=99 key=a", " data=\\x0d\\x0a"});
  CHECK(parsed("add a 0 0 1 noreply\nx\r\nget b\r\n") ==
        Lines{"add quiet bytes=1 flags=0 exptime=0 key=a", " data=x\\x0d\\x0a", "get key=b"});
  CHECK(parsed("append a 0 0 1 other\r\nx\r\n")[0] == "append bytes=1 flags=0 exptime=0 key=a");
  CHECK(parsed("replace a 0 0 1\r\nx\r\n")[0] == "replace bytes=1 flags=0 exptime=0 key=a");
  CHECK(parsed("prepend a 0 0 1\r\nx\r\n")[0] == "prepend bytes=1 flags=0 exptime=0 key=a");
}

TEST_CASE("the data of a refused storage command is never run as commands") {
  const std::string refused = "!CLIENT_ERROR bad command line format";
  const std::string rest = "\r\nflush_all\r\nversion\r\n";  // 9 bytes of data
  CHECK(parsed("set " + a_key(251) + " 0 0 9" + rest) == Lines{refused, "version"});
  CHECK(parsed("set k x 0 9" + rest) == Lines{refused, "version"});
  CHECK(parsed("set k 0 x 9" + rest) == Lines{refused, "version"});
  CHECK(parsed("cas k 0 0 9 x" + rest) == Lines{refused, "version"});
  CHECK(parsed("set k x 0 9 noreply" + rest) ==
        Lines{"!quiet CLIENT_ERROR bad command line format", "version"});
  CHECK(parsed("ms k 9 y" + rest) == Lines{"!CLIENT_ERROR invalid flag", "version"});
  CHECK(parsed("ms " + a_key(251) + " 9" + rest) == Lines{refused, "version"});
  // Without a length there is nothing to go by, and with another number of words it is no storage
  // command: what follows is the next one, as in memcached.
  CHECK(parsed("set k 0 0 9 a b" + rest) == Lines{"!ERROR", "flush_all", "version"});
  CHECK(parsed("cas k 0 0 9" + rest) == Lines{"!ERROR", "flush_all", "version"});
  CHECK(parsed("set k 0 0 x" + rest) == Lines{refused, "flush_all", "version"});
  CHECK(parsed("set k 0 0 -1" + rest) == Lines{refused, "flush_all", "version"});
  CHECK(parsed("ms k" + rest) == Lines{refused, "flush_all", "version"});
}

TEST_CASE("single-key commands") {
  CHECK(one("delete a\r\n") == "delete key=a");
  CHECK(one("delete a noreply\r\n") == "delete quiet key=a");
  CHECK(one("delete a 0\r\n") == "delete key=a");
  CHECK(one("delete a 0 noreply\r\n") == "delete quiet key=a");
  const std::string usage = "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]";
  CHECK(one("delete a 1\r\n") == "!" + usage);
  CHECK(one("delete a 1 noreply\r\n") == "!quiet " + usage);
  CHECK(one("delete a noreply 0\r\n") == "!" + usage);
  CHECK(one("delete a b c d\r\n") == "!ERROR");
  CHECK(one("incr a 18446744073709551615\r\n") == "incr delta=18446744073709551615 key=a");
  CHECK(one("decr a 1 noreply\r\n") == "decr quiet delta=1 key=a");
  CHECK(one("incr a -1\r\n") == "!CLIENT_ERROR invalid numeric delta argument");
  CHECK(one("decr a x noreply\r\n") == "!quiet CLIENT_ERROR invalid numeric delta argument");
  CHECK(one("touch a 99\r\n") == "touch exptime=99 key=a");
  CHECK(one("touch a x\r\n") == "!CLIENT_ERROR invalid exptime argument");
  CHECK(one("touch a 3000000000\r\n") == "touch exptime=3000000000 key=a");
}

TEST_CASE("commands without a key") {
  CHECK(one("flush_all\r\n") == "flush_all");
  CHECK(one("flush_all 5\r\n") == "flush_all exptime=5 arg=5");
  CHECK(one("flush_all noreply\r\n") == "flush_all quiet arg=noreply");
  CHECK(one("flush_all 5 noreply\r\n") == "flush_all quiet exptime=5 arg=5 arg=noreply");
  CHECK(one("flush_all x\r\n") == "!CLIENT_ERROR invalid exptime argument");
  CHECK(one("verbosity 2\r\n") == "verbosity delta=2 arg=2");
  CHECK(one("verbosity noreply\r\n") == "!quiet CLIENT_ERROR bad command line format");
  CHECK(one("version\r\n") == "version");
  CHECK(one("stats items noreply\r\n") == "stats arg=items arg=noreply");
  CHECK(one("quit\r\n") == "quit");
  CHECK(one("mn\r\n") == "mn");
}

TEST_CASE("meta commands and all their flags") {
  const std::string defaults = " T=0 N=0 R=0 F=0 C=0 E=0 D=1 J=0 M= O=";
  CHECK(one("mg a\r\n") == "mg wire=a" + defaults + " key=a");
  CHECK(one("mg a v t\r\n") == "mg wire=a flag=v flag=t" + defaults + " key=a");
  CHECK(one("mg a q T5 N6 R7 F8 C9 E1 D2 J3 MI Oop\r\n") ==
        "mg quiet exptime=5 wire=a flag=q flag=T5 flag=N6 flag=R7 flag=F8 flag=C9 flag=E1 flag=D2 "
        "flag=J3 flag=MI flag=Oop T=5 N=6 R=7 F=8 C=9 E=1 D=2 J=3 M=I O=op key=a");
  CHECK(one("md a q I\r\n") == "md quiet wire=a flag=q flag=I" + defaults + " key=a");
  CHECK(one("mg Zm9v b k\r\n") == "mg wire=Zm9v base64 flag=b flag=k" + defaults + " key=foo");
  CHECK(one("mg AAECAyAK b\r\n") ==
        "mg wire=AAECAyAK base64 flag=b" + defaults + " key=\\x00\\x01\\x02\\x03 \\x0a");
  CHECK(one("me a\r\n") == "me wire=a key=a");
  CHECK(one("me Zm9v b\r\n") == "me wire=Zm9v base64 key=foo");
  CHECK(parsed("ms a 2 T30 q\r\nhi\r\n")[0] ==
        "ms quiet bytes=2 flags=0 exptime=30 wire=a flag=T30 flag=q T=30 N=0 R=0 F=0 C=0 E=0 D=1 "
        "J=0 M= O= key=a");
  CHECK(one("ma a MD D7\r\n").find(" D=7 J=0 M=D") != std::string::npos);
}

TEST_CASE("of several mistakes in a meta line the one memcached names is named") {
  CHECK(one("mg a Tx Mxx\r\n") == "!CLIENT_ERROR incorrect length for M token");
  CHECK(one("mg a Mxx Tx\r\n") == "!CLIENT_ERROR bad token in command line format");
  CHECK(one("mg a Mxx Fx\r\n") == "!CLIENT_ERROR incorrect length for M token");
  CHECK(one("mg a Tx y\r\n") == "!CLIENT_ERROR invalid flag");
  CHECK(one("mg a v v y\r\n") == "!CLIENT_ERROR duplicate flag");
  CHECK(one("mg @ b q\r\n") == "!CLIENT_ERROR error decoding key");
  CHECK(one("md a y\r\n") == "!CLIENT_ERROR invalid or duplicate flag");
  const std::string opaque(kOpaqueBytesMax + 1, 'o');
  CHECK(one("mg a O" + opaque + "\r\n") == "!CLIENT_ERROR opaque token too long");
  CHECK(parsed("ms a 1 MX O" + opaque + "\r\nx\r\n")[0] ==
        "!CLIENT_ERROR invalid mode for ms M token");
  CHECK(one("ma a O" + opaque + " MX\r\n") == "!CLIENT_ERROR invalid mode for ma M token");
}

TEST_CASE("limits at n-1, n and n+1") {
  const std::string bad = "!CLIENT_ERROR bad command line format";
  for (const std::size_t bytes : {kKeyBytesMax - 1, kKeyBytesMax, kKeyBytesMax + 1}) {
    const bool good = bytes <= kKeyBytesMax;
    const std::string key = a_key(bytes);
    CHECK(one("get " + key + "\r\n") == (good ? "get key=" + key : bad));
    CHECK(one("get a " + key + " b\r\n") == (good ? "get key=a key=" + key + " key=b" : bad));
    CHECK(one("touch " + key + " 0\r\n") == (good ? "touch exptime=0 key=" + key : bad));
    CHECK((one("mg " + key + " v\r\n") == bad) != good);
    CHECK((one("me " + key + "\r\n") == bad) != good);
  }
  const auto flags = [](std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += std::string(" ") + "bckfhlstuvqIPLOTNR"[i];
    return out;
  };
  // 17 flags; without b, whose key is no base64, and with T and N given no number, which is read
  // only after the count.
  CHECK(one("mg a" + flags(18) + "\r\n") == "!CLIENT_ERROR options flags are too long");
  CHECK(one("mg Zm9v" + flags(15) + " T0 N0\r\n").starts_with("mg quiet"));
  CHECK(one("md Zm9v" + flags(15) + " T0 N0\r\n").starts_with("md quiet"));
  CHECK(one("md a" + flags(18) + "\r\n") == "!CLIENT_ERROR options flags too long");
  CHECK(parsed("ms Zm9v 1" + flags(15) + " T0\r\nx\r\n")[0].starts_with("ms quiet"));
  CHECK(parsed("ms Zm9v 1" + flags(15) + " T0 N0\r\nx\r\n") ==
        Lines{"!CLIENT_ERROR options flags too long"});
  for (const std::size_t bytes : {kOpaqueBytesMax - 1, kOpaqueBytesMax}) {
    const std::string opaque(bytes, 'o');
    CHECK(one("mg a O" + opaque + "\r\n").find(" O=" + opaque + " ") != std::string::npos);
  }
}

TEST_CASE("a line is refused by its length, not by how it arrived") {
  for (const std::size_t bytes :
       {kCommandLineBytesMax - 1, kCommandLineBytesMax, kCommandLineBytesMax + 1}) {
    std::string line = "version ";
    line.resize(bytes - 1, 'x');
    line += "\r\n";  // `bytes` before the '\n'
    const Transcript whole = transcribe_requests({line + "mn\r\n"});
    CHECK(whole.lines.size() == (bytes <= kCommandLineBytesMax ? 2 : 1));
    if (bytes > kCommandLineBytesMax) CHECK(whole.lines[0] == "! (close)");
    for (std::size_t cut = 1; cut < line.size(); cut += 13) {
      CHECK(transcribe_requests({std::string_view(line).substr(0, cut),
                                 std::string_view(line).substr(cut), "mn\r\n"}) == whole);
    }
  }
}

TEST_CASE("words, line endings and strange bytes") {
  CHECK(one("  get   a  b  \r\n") == "get key=a key=b");
  CHECK(one("get a\tb\r\n") == "get key=a\\x09b");
  CHECK(one("get\ta\r\n") == "!ERROR");
  CHECK(one("get a\r\r\n") == "get key=a\\x0d");
  CHECK(one(std::string("get a\0b c\r\n", 11)) == "get key=a");
  CHECK(one(std::string("\0get a\r\n", 8)) == "!ERROR");
  CHECK(one("\r\n") == "!ERROR");
  CHECK(one("\n") == "!ERROR");
  CHECK(one(" \r\n") == "!ERROR");
  CHECK(one("x\r\n") == "!ERROR");
  CHECK(one("GET a\r\n") == "!ERROR");
  CHECK(one("\r") == "(unfinished)");
  CHECK(one("get a") == "(unfinished)");
}

TEST_CASE("clients of other protocols are closed without an answer") {
  CHECK(one("GET / HTTP/1.1\r\n") == "! (close)");
  CHECK(one("POST /x HTTP/1.0\n") == "! (close)");
  CHECK(one("gibberish / HTTP/1.1\r\n") == "!ERROR");
  CHECK(one("\x80") == "! (close)");
  CHECK(parsed("mn\r\n\x80\r\n") == Lines{"mn", "!ERROR"});
}

TEST_CASE("quiet errors are those that follow noreply") {
  CHECK(one("incr a x noreply\r\n").starts_with("!quiet "));
  CHECK(one("touch " + a_key(251) + " 0 noreply\r\n").starts_with("!quiet "));
  CHECK(parsed("set a 0 0 noreply\r\n") == Lines{"!quiet CLIENT_ERROR bad command line format"});
  CHECK(one("mg a q y\r\n") == "!CLIENT_ERROR invalid flag");
  CHECK(one("incr a 1 noreply x\r\n") == "!ERROR");
}

TEST_CASE("what q and noreply hide") {
  CHECK(quiet_suppresses(Command::kSet, ResponseStatus::kServerError));
  CHECK_FALSE(quiet_suppresses(Command::kGet, ResponseStatus::kEnd));
  CHECK(quiet_suppresses(Command::kMetaGet, ResponseStatus::kMetaMiss));
  CHECK_FALSE(quiet_suppresses(Command::kMetaGet, ResponseStatus::kMetaHit));
  CHECK(quiet_suppresses(Command::kMetaSet, ResponseStatus::kMetaHit));
  CHECK_FALSE(quiet_suppresses(Command::kMetaSet, ResponseStatus::kMetaNotStored));
  CHECK(quiet_suppresses(Command::kMetaArithmetic, ResponseStatus::kMetaValue));
  CHECK_FALSE(quiet_suppresses(Command::kMetaDelete, ResponseStatus::kMetaNotFound));
  CHECK_FALSE(quiet_suppresses(Command::kMetaSet, ResponseStatus::kServerError));
}

}  // namespace
