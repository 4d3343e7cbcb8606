// The words of -o that begin with ssl_: memcached's, for -Z.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/tls_options.h"
#include "store/node_options.h"

namespace ringcache::store {

inline bool is_tls_word(std::string_view name) {
  return name.starts_with("ssl_");
}

// The words of one -l list: those that begin with `notls:`, which keeps an address plain beside
// others with TLS, without that word; and the others. Each a comma list again.
struct ListenWords {
  std::string with_tls;
  std::string plain;
};
ListenWords part_listen_words(std::string_view list);

// Applies `name` or `name=value` to `options`. Empty, or what is wrong, naming the word. What has
// no effect here is added to `warnings`.
std::string apply_tls_word(std::string_view word, net::TlsOptions& options,
                           std::vector<std::string>& warnings);

// What is missing for -Z, or would be less secure than it was meant to be; empty if nothing is.
// What is merely without effect is added to `warnings`. Call it when all words of the command line
// have been applied.
std::string check_tls(const NodeOptions& options, std::vector<std::string>& warnings);

// The words that are taken, one line each, for the help.
std::string tls_words_help();

}  // namespace ringcache::store
