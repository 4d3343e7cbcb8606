#include "proxy/fan_out.h"

#include <algorithm>

namespace ringcache::proxy {

using protocol::ResponseStatus;

void FanOut::add(std::string_view node, const protocol::Response& response) {
  if (response.status == ResponseStatus::kStat) return merge_line(response.line);
  if (protocol::is_error(response.status)) return refuse(node, response.line, true);
  if (!response.last) return;
  ++answered_;
  last_line_ = response.line;
}

// "STAT <name> <value>", where the value may hold spaces or be missing, or a line of counts.
void FanOut::merge_line(std::string_view line) {
  constexpr std::string_view kStart = "STAT ";
  bool has_room = true;
  if (kind_ == Kind::kStatsDetail) {
    has_room = prefixes_.add(line);
  } else if (line.starts_with(kStart)) {
    line.remove_prefix(kStart.size());
    const std::size_t space = std::min(line.find(' '), line.size());
    has_room = merge_.add(line.substr(0, space), line.substr(std::min(space + 1, line.size())));
  }
  if (!has_room) rows_dropped_.add();
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
