// The words of -o that begin with ssl_: memcached's, for -Z.
#pragma once

#include <string>
#include <string_view>

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

// Applies `name` or `name=value` to `options`. Empty, or what is wrong, naming the word.
std::string apply_tls_word(std::string_view word, net::TlsOptions& options);

// What is missing for -Z, does not fit it, or would be without effect; empty if nothing is. Call it
// when all words of the command line have been applied.
std::string check_tls(const NodeOptions& options);

// The words that are taken, one line each, for the help.
std::string tls_words_help();

}  // namespace ringcache::store
