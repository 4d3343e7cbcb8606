#include "proxy/fan_out.h"

namespace ringcache::proxy {

using protocol::ResponseStatus;

void FanOut::add(std::string_view node, const protocol::Response& response) {
  if (response.status == ResponseStatus::kStat) {
    // "STAT <name> <value>"; the value may hold spaces or be missing.
    std::string_view rest = response.line;
    if (!rest.starts_with("STAT ")) return;
    rest.remove_prefix(5);
    const std::size_t space = rest.find(' ');
    const std::string_view name = rest.substr(0, space);
    merge_.add(name, space == std::string_view::npos ? std::string_view() : rest.substr(space + 1));
    return;
  }
  if (protocol::is_error(response.status)) return fail(node, response.line);
  if (response.last) ++answered_;
}

void FanOut::fail(std::string_view node, std::string_view reason) {
  if (!first_error_.empty()) return;
  first_error_.append("SERVER_ERROR node ").append(node).append(" ").append(reason);
}

std::string FanOut::answer() const {
  std::string text;
  const bool stats = kind_ == Kind::kStats || kind_ == Kind::kStatsSettings;
  if (!good() && !(stats && answered_ > 0)) return first_error_ + "\r\n";
  if (kind_ == Kind::kFlushAll) return std::string(protocol::kOk);
  if (kind_ == Kind::kStatsReset) return std::string(protocol::kReset);
  merge_.append_to(text);
  text.append(protocol::kEnd);
  return text;
}

}  // namespace ringcache::proxy
