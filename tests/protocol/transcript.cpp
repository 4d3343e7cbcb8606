#include "tests/protocol/transcript.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>

#include "protocol/command.h"
#include "protocol/limits.h"
#include "protocol/request.h"
#include "protocol/request_parser.h"
#include "protocol/response.h"

namespace ringcache::test {

namespace {

using namespace protocol;

bool within(std::string_view view, const void* begin, std::size_t bytes) {
  if (view.empty()) return true;
  const auto first = reinterpret_cast<std::uintptr_t>(view.data());
  const auto start = reinterpret_cast<std::uintptr_t>(begin);
  return first >= start && first + view.size() <= start + bytes;
}

std::string text(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=" + printable(value);
}

std::string text(std::string_view name, std::uint64_t value) {
  return " " + std::string(name) + "=" + std::to_string(value);
}

std::string text(std::string_view name, std::int64_t value) {
  return " " + std::string(name) + "=" + std::to_string(value);
}

std::string meta_text(const Request& request) {
  std::string out = text("wire", request.wire_key) + (request.key_is_base64 ? " base64" : "");
  if (request.command == Command::kMetaDebug) return out;
  for (const std::string_view token : request.meta.tokens()) out += text("flag", token);
  const MetaFlags& meta = request.meta;
  out += text("T", meta.ttl_s) + text("N", meta.vivify_ttl_s) + text("R", meta.recache_ttl_s);
  out += text("F", std::uint64_t{meta.client_flags}) + text("C", meta.compare_cas);
  out += text("E", meta.explicit_cas) + text("D", meta.delta) + text("J", meta.initial);
  out += text("M", meta.mode == 0 ? "" : std::string_view(&meta.mode, 1));
  return out + text("O", meta.opaque);
}

// All but the keys, which may come in parts.
std::string request_text(const Request& request) {
  std::string out(name(request.command));
  if (request.quiet) out += " quiet";
  if (spec(request.command).has_value) {
    out += text("bytes", std::uint64_t{request.value_bytes});
    out += text("flags", std::uint64_t{request.client_flags});
  }
  if (request.has_exptime) out += text("exptime", request.exptime_s);
  if (request.command == Command::kCas) out += text("cas", request.cas_unique);
  if (request.command == Command::kIncr || request.command == Command::kDecr ||
      request.command == Command::kVerbosity) {
    out += text("delta", request.delta);
  }
  for (const std::string_view arg : request.args()) out += text("arg", arg);
  if (request.command != Command::kMetaNoop && spec(request.command).meta) {
    out += meta_text(request);
  }
  return out;
}

class RequestStream {
 public:
  void feed(std::string_view piece) {
    pending_.append(piece);
    while (!closed_ && step()) {
    }
  }

  void finish() {
    if (closed_) return;
    if (!parser_.at_line_start() || !pending_.empty() || skip_bytes_ > 0) note("(unfinished)");
  }

  Transcript take() { return std::move(transcript_); }

 private:
  // One call of the parser. False when it can do no more with what is there.
  bool step() {
    if (skip_bytes_ > 0) {
      const auto bytes =
          static_cast<std::size_t>(std::min<std::uint64_t>(skip_bytes_, pending_.size()));
      data_ += pending_.substr(0, bytes);
      pending_.erase(0, bytes);
      skip_bytes_ -= bytes;
      if (skip_bytes_ > 0) return false;
      if (skipping_data_) note(" data=" + printable(data_));
      data_.clear();
    }
    // An exact copy, so that the address sanitizer sees a read past the end.
    const std::size_t size = pending_.size();
    const std::unique_ptr<char[]> copy(new char[size]);
    std::copy_n(pending_.data(), size, copy.get());
    std::size_t consumed_bytes = 0;
    const ParseResult result = parser_.parse({copy.get(), size}, request_, consumed_bytes);
    ++transcript_.parse_calls;
    if (consumed_bytes > size) promise("consumed more than there was");
    if (consumed_bytes > size) return false;
    if (result == ParseResult::kNeedMore && size - consumed_bytes > kCommandLineBytesMax) {
      promise("needs more than a line's bytes");
    }
    if (result != ParseResult::kNeedMore && consumed_bytes == 0) promise("no progress");
    if (result == ParseResult::kDone) on_request({copy.get(), size});
    if (result == ParseResult::kInvalid) on_invalid();
    pending_.erase(0, consumed_bytes);
    return result != ParseResult::kNeedMore && consumed_bytes > 0;
  }

  void on_request(std::string_view bytes) {
    check_views(bytes);
    if (request_.first_keys) {
      open_ = request_text(request_);
    } else if (open_.empty()) {
      promise("a further part of no multiget");
    }
    for (const std::string_view key : request_.keys()) open_ += text("key", key);
    const bool part = request_.more_keys || !request_.first_keys;
    if (part && !request_.line.empty()) promise("a part has a line");
    if (!spec(request_.command).multi_key && request_.line.empty())
      promise("a whole command has no line");
    if (request_.more_keys) return;
    note(std::move(open_));
    open_.clear();
    skipping_data_ = spec(request_.command).has_value;
    if (skipping_data_) skip_bytes_ = std::uint64_t{request_.value_bytes} + 2;
    if (request_.command == Command::kQuit) closed_ = true;
  }

  void on_invalid() {
    const bool in_multiget = !request_.first_keys;
    if (in_multiget != !open_.empty()) promise("first_keys of a refusal is wrong");
    std::string out = in_multiget ? open_ + " !" : "!";
    open_.clear();
    out += std::string(request_.quiet ? "quiet " : "") + std::string(request_.error);
    if (request_.close) out += " (close)";
    note(std::move(out));
    skip_bytes_ = request_.swallow_bytes;
    skipping_data_ = false;
    closed_ = request_.close;
  }

  void check_views(std::string_view bytes) {
    const CommandSpec& row = spec(request_.command);
    if (row.multi_key != (request_.command <= Command::kGats)) promise("table");
    const bool has_key = row.command_class == CommandClass::kRead ||
                         row.command_class == CommandClass::kWrite ||
                         row.command_class == CommandClass::kDebugRead;
    if (!row.multi_key && request_.keys().size() != (has_key ? 1U : 0U)) promise("key count");
    for (const std::string_view key : request_.keys()) {
      if (key.empty() || key.size() > kKeyBytesMax) promise("key size");
      const bool decoded = within(key, request_.decoded_key.data(), request_.decoded_key.size());
      if (!within(key, bytes.data(), bytes.size()) && !(request_.key_is_base64 && decoded)) {
        promise("key outside");
      }
    }
    for (const std::string_view arg : request_.args()) {
      if (!within(arg, bytes.data(), bytes.size())) promise("arg outside");
    }
    if (!within(request_.line, bytes.data(), bytes.size())) promise("line outside");
    if (!row.meta || request_.command == Command::kMetaNoop) return;
    if (!within(request_.wire_key, bytes.data(), bytes.size())) promise("wire key outside");
    if (request_.command == Command::kMetaDebug) return;
    if (request_.meta.opaque.size() > kOpaqueBytesMax) promise("opaque size");
    for (const std::string_view token : request_.meta.tokens()) {
      if (token.empty() || !within(token, bytes.data(), bytes.size())) promise("token outside");
    }
  }

  void note(std::string line) { transcript_.lines.push_back(std::move(line)); }
  void promise(std::string_view what) {
    if (transcript_.broken_promise.empty()) transcript_.broken_promise = what;
  }

  RequestParser parser_;
  Request request_;
  Transcript transcript_;
  std::string pending_;
  std::string open_;  // the multiget under way
  std::string data_;
  std::uint64_t skip_bytes_ = 0;
  bool skipping_data_ = false;
  bool closed_ = false;
};

std::string response_text(const Response& response) {
  std::string out = "status=" + std::to_string(static_cast<int>(response.status));
  out += response.last ? " last" : "";
  out += text("line", response.line) + text("key", response.key) + text("value", response.value);
  out += text("flags", std::uint64_t{response.client_flags});
  if (response.has_cas) out += text("cas", response.cas_unique);
  out += text("number", response.number) + text("meta", response.meta_flags);
  return out + text("opaque", response.opaque);
}

// One step over `bytes`; returns what to drop from the front.
std::size_t reply_step(const ResponseParser& parser, std::string_view bytes, ReplyKind kind,
                       std::size_t value_bytes_max, std::size_t& bytes_needed, bool& broken,
                       Transcript& transcript) {
  Response response;
  std::size_t consumed_bytes = 0;
  const ParseResult result = parser.parse(bytes, kind, response, consumed_bytes);
  ++transcript.parse_calls;
  const auto promise = [&transcript](std::string_view what) {
    if (transcript.broken_promise.empty()) transcript.broken_promise = what;
  };
  if (consumed_bytes > bytes.size()) promise("consumed more than there was");
  switch (result) {
    case ParseResult::kDone:
      if (consumed_bytes == 0) promise("no progress");
      if (response.bytes != bytes.substr(0, consumed_bytes)) promise("bytes are not the element");
      for (const std::string_view view :
           {response.line, response.key, response.value, response.meta_flags, response.opaque}) {
        if (!within(view, bytes.data(), bytes.size())) promise("view outside");
      }
      if (response.value.size() > value_bytes_max) promise("value too large");
      transcript.lines.push_back(response_text(response));
      break;
    case ParseResult::kNeedMore:
      if (consumed_bytes != 0) promise("consumed a part");
      if (response.bytes_needed <= bytes.size()) promise("needs what it has");
      if (response.bytes_needed > value_bytes_max + kReplyLineBytesMax + 2) promise("needs a lot");
      bytes_needed = response.bytes_needed;
      break;
    case ParseResult::kInvalid:
      if (consumed_bytes != 0) promise("consumed garbage");
      transcript.lines.push_back("!" + std::string(response.error));
      broken = true;
      break;
  }
  return consumed_bytes;
}

}  // namespace

std::string printable(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (c >= ' ' && c < 127 && c != '\\') {
      out += c;
      continue;
    }
    char hex[5];
    std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += hex;
  }
  return out;
}

Transcript transcribe_requests(const std::vector<std::string_view>& pieces) {
  RequestStream stream;
  for (const std::string_view piece : pieces) stream.feed(piece);
  stream.finish();
  return stream.take();
}

Transcript transcribe_replies(const std::vector<std::string_view>& pieces, ReplyKind kind,
                              std::size_t value_bytes_max) {
  const ResponseParser parser(value_bytes_max);
  Transcript transcript;
  std::string pending;
  std::size_t bytes_needed = 0;
  bool broken = false;
  for (const std::string_view piece : pieces) {
    pending.append(piece);
    while (!broken && !pending.empty() && pending.size() >= bytes_needed) {
      bytes_needed = 0;
      const std::unique_ptr<char[]> copy(new char[pending.size()]);
      std::copy_n(pending.data(), pending.size(), copy.get());
      pending.erase(0, reply_step(parser, {copy.get(), pending.size()}, kind, value_bytes_max,
                                  bytes_needed, broken, transcript));
    }
  }
  if (!broken && !pending.empty()) transcript.lines.push_back("(unfinished)");
  return transcript;
}

}  // namespace ringcache::test
