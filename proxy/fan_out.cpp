#include "proxy/fan_out.h"

namespace ringcache::proxy {

using protocol::ResponseStatus;

void FanOut::add(std::string_view node, const protocol::Response& response) {
  if (response.status == ResponseStatus::kStat) {
    // "STAT <name> <value>"; the value may hold spaces or be missing.
    std::string_view rest = response.line;
    if (kind_ == Kind::kStatsDetail) return prefixes_.add(rest);
    if (!rest.starts_with("STAT ")) return;
    rest.remove_prefix(5);
    const std::size_t space = rest.find(' ');
    const std::string_view name = rest.substr(0, space);
    merge_.add(name, space == std::string_view::npos ? std::string_view() : rest.substr(space + 1));
    return;
  }
  if (protocol::is_error(response.status)) return refuse(node, response.line, true);
  if (!response.last) return;
  ++answered_;
  last_line_ = response.line;
}

void FanOut::fail(std::string_view node, std::string_view reason) {
  refuse(node, reason, false);
}

void FanOut::refuse(std::string_view node, std::string_view what, bool by_protocol) {
  if (first_error_.empty()) {
    first_error_.append("SERVER_ERROR node ").append(node).append(" ").append(what);
    if (by_protocol) common_error_ = what;
  }
  errors_differ_ = errors_differ_ || !by_protocol || common_error_ != what;
}

std::string FanOut::answer() const {
  const bool all_the_same = answered_ == 0 && !errors_differ_;
  const bool partial_is_good = kind_ != Kind::kAllMust && answered_ > 0;
  std::string text;
  if (!first_error_.empty() && !partial_is_good) {
    text = all_the_same ? common_error_ : first_error_;
  } else {
    merge_.append_to(text);
    prefixes_.append_to(text);
    text.append(last_line_);
  }
  return text.append(protocol::kCrlf);
}

}  // namespace ringcache::proxy
