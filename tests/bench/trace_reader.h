#pragma once

// Reads a request trace, gzipped or not. Format:
//   #mctrace 1 NAME keys=K requests=R footprint=B     the first line
//   +SIZE       first request of a new key; its index is the number of '+' lines before it
//   IDX         another request of key IDX
// The file is checked as it is read: a trace that is cut short or refers to a key that has not
// been named yet is an error, not a shorter trace. One thread.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

struct gzFile_s;

namespace ringcache::bench {

struct TraceRequest {
  std::uint32_t index;
  std::uint32_t value_bytes;
};

class TraceReader {
 public:
  static constexpr std::uint32_t kValueBytesMax = 1U << 30;

  /// `path` "-" is standard input. After a failure error() says what is wrong and next() gives
  /// nothing.
  explicit TraceReader(const std::string& path);
  ~TraceReader();
  TraceReader(const TraceReader&) = delete;
  TraceReader& operator=(const TraceReader&) = delete;

  const std::string& name() const { return name_; }
  std::uint64_t requests() const { return requests_; }
  std::uint64_t keys() const { return keys_; }

  /// The next request; nothing at the end or after an error.
  std::optional<TraceRequest> next();

  /// Empty as long as all is well.
  const std::string& error() const { return error_; }

 private:
  bool read_line(std::string& line);
  void read_header();
  std::optional<TraceRequest> fail(const std::string& what);

  gzFile_s* file_;
  std::string path_;
  std::string name_;
  std::uint64_t keys_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t line_number_ = 0;
  std::vector<std::uint32_t> sizes_;  // by key index
  std::string line_;
  std::string error_;
};

}  // namespace ringcache::bench
