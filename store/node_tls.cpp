#include "store/node_tls.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "net/log.h"
#include "store/node_stats.h"

namespace ringcache::store {

namespace {

std::string_view text_or_null(const std::string& text) {
  return text.empty() ? std::string_view("NULL") : std::string_view(text);
}

// OpenSSL's bits of each mode, which is what memcached shows.
constexpr std::array<std::uint64_t, 4> kVerifyBits{0, 1, 3, 7};
constexpr std::array<std::string_view, 4> kVersions{"tlsv1.0", "tlsv1.1", "tlsv1.2", "tlsv1.3"};

}  // namespace

std::shared_ptr<net::TlsContext> start_tls(const NodeOptions& options) {
  if (!options.tls_enabled) return nullptr;
  auto context = std::make_shared<net::TlsContext>(options.tls);
  if (const auto wrong = context->refresh()) throw std::runtime_error("-Z: " + *wrong);
  if (context->forbids_old_versions()) {
    net::log_warn(
        "-o ssl_min_version has no effect below tlsv1.2: OpenSSL's security level forbids older "
        "ones, unless ssl_ciphers ends in :@SECLEVEL=0");
  }
  return context;
}

TlsFigures tls_figures(const net::TlsContext& context, std::int64_t now_unix_s) {
  TlsFigures figures;
  figures.new_sessions = context.new_sessions();
  figures.handshake_errors = context.errors();
  figures.handshake_timeouts = context.timeouts();
  figures.handshakes_dropped = context.dropped();
  figures.record_timeouts = context.record_timeouts();
  const std::int64_t age = now_unix_s - context.refreshed_unix_s();
  figures.refresh_age = static_cast<std::uint64_t>(std::max<std::int64_t>(age, 0));
  return figures;
}

void append_tls_stats(const TlsFigures& figures, bool session_cache, std::string& out) {
  for (const auto& row : kTlsFiguresTable) {
    if (row.field == &TlsFigures::new_sessions && !session_cache) continue;
    append_stat(out, row.name, figures.*row.field);
  }
}

void append_tls_settings(const NodeOptions& options, std::string& out) {
  append_stat(out, "ssl_enabled", options.tls_enabled ? "yes" : "no");
  if (!options.tls_enabled) return;
  const net::TlsOptions& tls = options.tls;
  append_stat(out, "ssl_chain_cert", tls.chain_file);
  append_stat(out, "ssl_key", text_or_null(tls.key_file));
  append_stat(out, "ssl_verify_mode", kVerifyBits[static_cast<std::size_t>(tls.verify)]);
  append_stat(out, "ssl_keyformat", static_cast<std::uint64_t>(tls.key_format) + 1);
  append_stat(out, "ssl_ciphers", text_or_null(tls.ciphers));
  append_stat(out, "ssl_ca_cert", text_or_null(tls.ca_file));
  append_stat(out, "ssl_wbuf_size", tls.write_bytes);
  append_stat(out, "ssl_session_cache", tls.session_cache ? "yes" : "no");
  append_stat(out, "ssl_kernel_tls", "no");
  append_stat(out, "ssl_min_version", kVersions[static_cast<std::size_t>(tls.min_version)]);
}

void add_tls_metrics(const TlsFigures& figures, net::MetricFamilies& metrics) {
  for (const auto& row : kTlsFiguresTable) {
    const std::string name(row.metric_name);
    const auto value = static_cast<double>(figures.*row.field);
    if (row.kind == FigureKind::kCounter) {
      metrics.counter(name, row.help, value);
    } else {
      metrics.gauge(name, row.help, value);
    }
  }
}

}  // namespace ringcache::store
