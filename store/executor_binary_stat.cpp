// The binary protocol's stat: what the text command answers, a packet for each line and an empty
// one at the end. Listings (detail dump, sizes, cachedump) have no binary form here.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "store/executor.h"

namespace ringcache::store {

using protocol::BinaryAnswer;
using protocol::BinaryRequest;
using protocol::BinaryStatus;

namespace {

constexpr std::array<std::string_view, 9> kTopics{
    "", "settings", "items", "slabs", "conns", "reset", "extstore", "detail on", "detail off"};

std::string all_of(net::WriteBuffer& buffer) {
  std::string text;
  std::array<iovec, 16> pieces;
  while (!buffer.empty()) {
    const std::size_t count = buffer.gather(pieces);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
      text.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
      bytes += pieces[i].iov_len;
    }
    buffer.consume(bytes);
  }
  return text;
}

void append_stat(net::WriteBuffer& out, const BinaryAnswer& answer, std::string_view name,
                 std::string_view value) {
  if (name.size() > protocol::kKeyBytesMax) return;
  if (char* to = out.reserve(protocol::kBinaryReplyBytesMax)) {
    const char* const end =
        protocol::write_binary_reply(to, answer, {.key = name, .value_bytes = value.size()});
    out.commit(static_cast<std::size_t>(end - to));
    out.append(value);
  }
}

}  // namespace

void Executor::binary_stat(const BinaryRequest& request, net::WriteBuffer& out,
                           net::WriteBuffer& scratch) {
  const auto* const topic = std::find(kTopics.begin(), kTopics.end(), request.key);
  if (topic == kTopics.end()) return answer_status(request.answer, BinaryStatus::kNotFound, out);
  protocol::Request text;
  const std::size_t space = topic->find(' ');
  if (!topic->empty()) text.arg_storage[text.arg_count++] = topic->substr(0, space);
  if (space != std::string_view::npos) {
    text.arg_storage[text.arg_count++] = topic->substr(space + 1);
  }
  stats(text, scratch);
  const std::string lines = all_of(scratch);
  std::string_view rest = lines;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\r'));
    rest.remove_prefix(std::min(rest.size(), line.size() + protocol::kCrlf.size()));
    constexpr std::string_view kStat = "STAT ";
    if (!line.starts_with(kStat)) continue;
    line.remove_prefix(kStat.size());
    const std::size_t name_bytes = std::min(line.find(' '), line.size());
    append_stat(out, request.answer, line.substr(0, name_bytes),
                line.substr(std::min(line.size(), name_bytes + 1)));
  }
  append_stat(out, request.answer, {}, {});
}

}  // namespace ringcache::store
