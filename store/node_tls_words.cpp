#include "store/node_tls_words.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace ringcache::store {

namespace {

using net::TlsOptions;

constexpr unsigned kWriteKibMax = 1024;

// One word that is taken. `apply` returns what is wrong with the value, or nothing.
struct Word {
  std::string_view name;
  std::string_view value;  // how the help shows it; empty: takes none
  std::string_view help;
  std::string (*apply)(std::string_view value, TlsOptions& options);
};

std::string set_text(std::string_view value, std::string& text) {
  if (value.empty()) return "must not be empty";
  text = value;
  return "";
}

// Sets `field` to the value whose name, or number, was given.
template <typename Field, std::size_t kCount>
std::string choose(std::string_view value, Field& field,
                   const std::array<std::string_view, kCount>& names, unsigned first_number) {
  const auto* const named = std::find(names.begin(), names.end(), value);
  auto index = static_cast<std::size_t>(named - names.begin());
  unsigned number = 0;
  const char* const end = value.data() + value.size();
  const auto [parsed, error] = std::from_chars(value.data(), end, number);
  if (error == std::errc{} && parsed == end) index = std::size_t{number} - first_number;
  if (index >= kCount) {
    std::string known;
    for (std::size_t i = 0; i < kCount; ++i) {
      known += (i == 0            ? ""
                : i + 1 == kCount ? " or "
                                  : ", ") +
               std::to_string(first_number + i) + " (" + std::string(names[i]) + ")";
    }
    return "must be " + known;
  }
  field = static_cast<Field>(index);
  return "";
}

std::string set_write_bytes(std::string_view value, TlsOptions& options) {
  unsigned kib = 0;
  const char* const end = value.data() + value.size();
  const auto [parsed, error] = std::from_chars(value.data(), end, kib);
  if (error != std::errc{} || parsed != end || kib == 0 || kib > kWriteKibMax) {
    return "must be a number of KiB from 1 to 1024";
  }
  options.write_bytes = std::size_t{kib} * 1024;
  return "";
}

constexpr std::array kWords{
    Word{"ssl_chain_cert", "=FILE", "with -Z: certificates, the server's first, PEM",
         [](std::string_view value, TlsOptions& options) {
           return set_text(value, options.chain_file);
         }},
    Word{"ssl_key", "=FILE", "its private key, if it is not in that file",
         [](std::string_view value, TlsOptions& options) {
           return set_text(value, options.key_file);
         }},
    Word{"ssl_keyformat", "=PEM|DER", "of ssl_key (default PEM)",
         [](std::string_view value, TlsOptions& options) {
           return choose(value, options.key_format, std::array<std::string_view, 2>{"PEM", "DER"},
                         1);
         }},
    Word{"ssl_verify_mode", "=N",
         "certificates of clients: 0 not asked for (default), 1 asked for, 2 or 3 required",
         [](std::string_view value, TlsOptions& options) {
           return choose(value, options.verify,
                         std::array<std::string_view, 4>{"None", "Request", "Require", "Once"}, 0);
         }},
    Word{"ssl_ca_cert", "=FILE", "who signs the certificates of clients, PEM",
         [](std::string_view value, TlsOptions& options) {
           return set_text(value, options.ca_file);
         }},
    Word{"ssl_ciphers", "=LIST", "as OpenSSL writes it, for TLS 1.2 and older",
         [](std::string_view value, TlsOptions& options) {
           return set_text(value, options.ciphers);
         }},
    Word{"ssl_min_version", "=N", "0 TLS 1.0, 1 TLS 1.1, 2 TLS 1.2 (default), 3 TLS 1.3",
         [](std::string_view value, TlsOptions& options) {
           return choose(
               value, options.min_version,
               std::array<std::string_view, 4>{"tlsv1.0", "tlsv1.1", "tlsv1.2", "tlsv1.3"}, 0);
         }},
    Word{"ssl_wbuf_size", "=KIB", "answers gathered before they are encrypted (default 16)",
         set_write_bytes},
    Word{"ssl_session_cache", "", "let clients resume sessions",
         [](std::string_view, TlsOptions& options) {
           options.session_cache = true;
           return std::string();
         }},
};

}  // namespace

ListenWords part_listen_words(std::string_view list) {
  constexpr std::string_view kPlain = "notls:";
  ListenWords words;
  while (!list.empty()) {
    std::string_view word = list.substr(0, list.find_first_of(",;"));
    list.remove_prefix(std::min(word.size() + 1, list.size()));
    const bool plain = word.starts_with(kPlain);
    if (plain) word.remove_prefix(kPlain.size());
    std::string& part = plain ? words.plain : words.with_tls;
    part.append(part.empty() ? "" : ",").append(word);
  }
  return words;
}

std::string apply_tls_word(std::string_view word, TlsOptions& options,
                           std::vector<std::string>& warnings) {
  const std::size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  const bool has_value = equals != std::string_view::npos;
  const std::string label = "-o " + std::string(name);
  if (name == "ssl_kernel_tls") {
    warnings.push_back(label + " has no effect: records are made in the process");
    return "";
  }
  const auto* row = std::find_if(kWords.begin(), kWords.end(),
                                 [&](const Word& each) { return each.name == name; });
  if (row == kWords.end()) return label + ": no such option; see -h for those there are";
  if (!has_value && !row->value.empty()) {
    return label + ": needs a value, " + std::string(name) + std::string(row->value);
  }
  // memcached does not look at it.
  if (has_value && row->value.empty()) {
    warnings.push_back(label + " takes no value: it is ignored");
  }
  const std::string wrong = row->apply(has_value ? word.substr(equals + 1) : "", options);
  return wrong.empty() ? "" : label + ": " + wrong;
}

std::string check_tls(const NodeOptions& options, std::vector<std::string>& warnings) {
  const TlsOptions& tls = options.tls;
  if (!options.tls_enabled) {
    if (tls != TlsOptions{}) {
      warnings.emplace_back("-o ssl_... has no effect without -Z: there is no TLS");
    }
    return "";
  }
  if (options.listen.empty()) return "-Z: every address is without TLS";
  if (options.listen.front().kind == net::Address::Kind::kUnix) {
    return "-Z: a UNIX socket has no TLS, and with -s there is no network";
  }
  if (tls.chain_file.empty()) return "-Z: needs -o ssl_chain_cert=FILE";
  if (tls.key_format == net::TlsKeyFormat::kDer && tls.key_file.empty()) {
    return "-o ssl_keyformat=DER: needs -o ssl_key=FILE";
  }
  const bool requires_one =
      tls.verify == net::TlsVerify::kRequire || tls.verify == net::TlsVerify::kRequireOnce;
  if (requires_one && tls.ca_file.empty()) {
    return "-o ssl_verify_mode: needs -o ssl_ca_cert=FILE, or no client could be verified";
  }
  if (tls.verify == net::TlsVerify::kRequest && tls.ca_file.empty()) {
    warnings.emplace_back(
        "-o ssl_verify_mode=1 without ssl_ca_cert lets in who shows no certificate, and no other");
  }
  if (tls.verify == net::TlsVerify::kNone && !tls.ca_file.empty()) {
    warnings.emplace_back(
        "-o ssl_ca_cert has no effect without ssl_verify_mode: no client is asked who it is");
  }
  return "";
}

std::string tls_words_help() {
  std::string text;
  for (const Word& word : kWords) {
    std::string left = std::string(word.name) + std::string(word.value);
    left.resize(std::max<std::size_t>(left.size() + 1, 23), ' ');
    text += "    " + left + std::string(word.help) + "\n";
  }
  return text;
}

}  // namespace ringcache::store
