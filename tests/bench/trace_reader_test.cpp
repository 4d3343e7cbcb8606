#include "tests/bench/trace_reader.h"

#include <doctest/doctest.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace ringcache::bench {
namespace {

constexpr const char* kHeader = "#mctrace 1 tiny keys=2 requests=4 footprint=250\n";

// A file that is gone at the end of the test.
class TemporaryFile {
 public:
  TemporaryFile() {
    path_ = (std::getenv("TMPDIR") != nullptr ? std::getenv("TMPDIR") : "/tmp");
    path_ += "/ringcache-trace-XXXXXX";
    const int fd = mkstemp(path_.data());
    REQUIRE(fd >= 0);
    close(fd);
  }
  ~TemporaryFile() { unlink(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What the reader makes of `text`: its requests as index/size, then its error.
std::string read(const std::string& text) {
  TemporaryFile file;
  std::ofstream(file.path(), std::ios::binary) << text;
  TraceReader reader(file.path());
  std::string seen;
  while (const auto request = reader.next()) {
    seen += std::to_string(request->index) + "/" + std::to_string(request->value_bytes) + " ";
  }
  const std::size_t name_end = reader.error().find(':');
  return seen + (reader.error().empty() ? "ok" : reader.error().substr(name_end + 1));
}

}  // namespace

TEST_CASE("requests are read with their key's index and size") {
  CHECK(read(std::string(kHeader) + "+100\n+150\n0\n1\n") == "0/100 1/150 0/100 1/150 ok");
}

TEST_CASE("a gzipped trace is read as the plain one") {
  TemporaryFile file;
  gzFile out = gzopen(file.path().c_str(), "wb");
  gzputs(out, (std::string(kHeader) + "+100\n+150\n0\n1\n").c_str());
  gzclose(out);
  TraceReader reader(file.path());
  CHECK(reader.name() == "tiny");
  CHECK(reader.keys() == 2);
  int count = 0;
  while (reader.next()) ++count;
  CHECK(count == 4);
  CHECK(reader.error().empty());
}

TEST_CASE("a damaged trace is an error, with its line") {
  const std::string header = kHeader;
  CHECK(read("").find("expected a header line") != std::string::npos);
  CHECK(read("#mctrace 2 tiny keys=2 requests=4\n").find("1: expected a header") == 0);
  CHECK(read(header + "+100\n").find("0/100 2: ends after 1 of 4 requests") == 0);
  CHECK(read(header + "+100\n1\n").find("0/100 3: not the index of a key seen before") == 0);
  CHECK(read(header + "+x\n").find("2: expected +SIZE") == 0);
  CHECK(read(header + "+99999999999\n").find("2: expected +SIZE") == 0);
}

TEST_CASE("a file that is not there is an error") {
  CHECK(TraceReader("/nowhere/trace").error().find("No such file") != std::string::npos);
}

}  // namespace ringcache::bench
