#include "proxy/in_flight.h"

#include "protocol/reply_rules.h"

namespace ringcache::proxy {

using protocol::Response;

namespace {

// The b flag beside k: the item was stored under a base64 key, and comes back so whatever was
// asked.
bool is_base64_key(const Response& response) {
  const std::size_t at = response.meta_flags.find(" b");
  return at != std::string_view::npos &&
         (at + 2 == response.meta_flags.size() || response.meta_flags[at + 2] == ' ');
}

}  // namespace

bool is_reply_to(const InFlight& entry, const Response& response) {
  if (entry.probe) return response.status == protocol::ResponseStatus::kVersion;
  if (!protocol::may_answer(entry.command, response.status)) return false;
  const bool value = response.status == protocol::ResponseStatus::kValue;
  if (value && entry.keys_left == 0) return false;
  if (entry.key_mark == 0 || response.key.empty()) return true;
  if (response.status == protocol::ResponseStatus::kMetaDebug) return true;  // base64 goes unmarked
  return key_mark(response.key) == entry.key_mark || is_base64_key(response);
}

}  // namespace ringcache::proxy
