#include "store/node_listen_words.h"

#include <arpa/inet.h>

#include <algorithm>

namespace ringcache::store {

namespace {

// Takes `name[...]:` off the front of `word`. False: it does not stand there.
bool take_prefix(std::string_view& word, std::string_view name, std::string_view& content) {
  if (!word.starts_with(name) || word.size() == name.size() || word[name.size()] != '[') {
    return false;
  }
  const std::size_t end = word.find("]:");
  if (end == std::string_view::npos) return false;
  content = word.substr(name.size() + 1, end - name.size() - 1);
  word.remove_prefix(end + 2);
  return true;
}

std::string parse_address(std::string_view word, int default_port, net::Address& address) {
  if (word.starts_with("unix:") || word.find('/') != std::string_view::npos) {
    const std::string_view path = word.starts_with("unix:") ? word.substr(5) : word;
    return "a network address is expected; for a UNIX socket use -s " + std::string(path);
  }
  const std::string text(word);
  in6_addr ipv6{};
  const bool bare_ipv6 = ::inet_pton(AF_INET6, text.c_str(), &ipv6) == 1;
  std::string error;
  // An address without a port takes the default one: the whole first, then with the port added.
  if (!bare_ipv6 && net::Address::parse(text, address, error) &&
      address.kind == net::Address::Kind::kTcp) {
    return "";
  }
  const std::string with_port =
      (bare_ipv6 ? '[' + text + ']' : text) + ':' + std::to_string(default_port);
  std::string error_with_port;
  return net::Address::parse(with_port, address, error_with_port) ? "" : error;
}

std::string parse_word(std::string_view word, int default_port, net::Address& address,
                       std::vector<std::string>& warnings) {
  std::string_view content;
  if (take_prefix(word, "proto", content) && content != "ascii" && content != "negotiating") {
    return "proto[" + std::string(content) + "]: only proto[ascii] and proto[negotiating] are here";
  }
  if (content == "ascii") {
    warnings.emplace_back("-l proto[ascii] has no effect: -B ascii is for all addresses");
  }
  if (take_prefix(word, "tag", content)) {
    warnings.push_back("-l tag[" + std::string(content) +
                       "] has no effect: only memcached's proxy looks at tags");
  }
  return parse_address(word, default_port, address);
}

}  // namespace

std::string parse_listen_words(std::string_view text, int default_port,
                               std::vector<net::Address>& listen,
                               std::vector<std::string>& warnings) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(",;"), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    net::Address address;
    if (std::string wrong = parse_word(word, default_port, address, warnings); !wrong.empty()) {
      return "-l " + std::string(word) + ": " + wrong;
    }
    listen.push_back(std::move(address));
  }
  return "";
}

}  // namespace ringcache::store
