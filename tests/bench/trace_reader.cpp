#include "tests/bench/trace_reader.h"

#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <sstream>
#include <string_view>

namespace ringcache::bench {
namespace {

template <class Number>
bool to_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool named_number(std::string_view word, std::string_view name, std::uint64_t& number) {
  return word.starts_with(name) && to_number(word.substr(name.size()), number);
}

}  // namespace

TraceReader::TraceReader(const std::string& path)
    : file_(path == "-" ? gzdopen(dup(STDIN_FILENO), "rb") : gzopen(path.c_str(), "rb")),
      path_(path) {
  if (file_ == nullptr) {
    error_ = path + ": " + std::strerror(errno);
    return;
  }
  gzbuffer(file_, 1U << 17);
  read_header();
}

TraceReader::~TraceReader() {
  if (file_ != nullptr) gzclose(file_);
}

bool TraceReader::read_line(std::string& line) {
  std::array<char, 256> buffer;
  if (gzgets(file_, buffer.data(), static_cast<int>(buffer.size())) == nullptr) return false;
  line = buffer.data();
  if (line.ends_with('\n')) line.pop_back();
  ++line_number_;
  return true;
}

void TraceReader::read_header() {
  std::string line;
  if (read_line(line)) {
    std::istringstream words(line);
    std::string magic;
    std::string version;
    std::string keys;
    std::string requests;
    words >> magic >> version >> name_ >> keys >> requests;
    if (magic == "#mctrace" && version == "1" && name_.size() >= 3 &&
        named_number(keys, "keys=", keys_) && named_number(requests, "requests=", requests_)) {
      return;
    }
  }
  fail("expected a header line, #mctrace 1 NAME keys=K requests=R footprint=B");
}

std::optional<TraceRequest> TraceReader::next() {
  if (!error_.empty()) return std::nullopt;
  const std::uint64_t read = line_number_ - 1;
  if (!read_line(line_)) {
    if (gzeof(file_) == 0) return fail("cannot be decompressed");
    if (read != requests_) {
      return fail("ends after " + std::to_string(read) + " of " + std::to_string(requests_) +
                  " requests");
    }
    return std::nullopt;
  }
  TraceRequest request{};
  if (line_.starts_with('+')) {
    request.index = static_cast<std::uint32_t>(sizes_.size());
    if (!to_number(std::string_view(line_).substr(1), request.value_bytes) ||
        request.value_bytes > kValueBytesMax) {
      return fail("expected +SIZE: " + line_);
    }
    sizes_.push_back(request.value_bytes);
    return request;
  }
  if (!to_number(std::string_view(line_), request.index) || request.index >= sizes_.size()) {
    return fail("not the index of a key seen before: " + line_);
  }
  request.value_bytes = sizes_[request.index];
  return request;
}

std::optional<TraceRequest> TraceReader::fail(const std::string& what) {
  error_ = path_ + ":" + std::to_string(line_number_) + ": " + what;
  return std::nullopt;
}

}  // namespace ringcache::bench
