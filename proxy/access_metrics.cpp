#include "proxy/access_metrics.h"

#include <string>

namespace ringcache::proxy {

void export_client_tls(net::MetricFamilies& metrics, const net::TlsContext& tls,
                       const net::Listener& listener) {
  const auto handshakes = [&](const char* result, std::uint64_t count) {
    metrics.counter("client_tls_handshakes_total", "Handshakes of clients with TLS, as they ended.",
                    static_cast<double>(count), {{"result", result}});
  };
  handshakes("ok", tls.done());
  handshakes("failed", tls.errors());
  handshakes("timeout", tls.timeouts());
  handshakes("dropped", tls.dropped());
  metrics.gauge("client_tls_handshakes_unfinished", "Connections of clients in their handshake.",
                static_cast<double>(listener.handshakes()));
  metrics.counter("client_tls_record_timeouts_total",
                  "Connections of clients closed for half a record.",
                  static_cast<double>(tls.record_timeouts()));
  metrics.gauge("client_tls_certificate_not_after_timestamp_seconds",
                "When the certificate that clients see ends, or one behind it.",
                static_cast<double>(tls.not_after_unix_s()));
  metrics.gauge("client_tls_certificate_loaded_timestamp_seconds",
                "When the certificate that clients see was read.",
                static_cast<double>(tls.refreshed_unix_s()));
}

void export_client_auth(net::MetricFamilies& metrics,
                        const std::array<std::uint64_t, kClientAuthNames.size()>& counts) {
  for (std::size_t i = 0; i < kClientAuthNames.size(); ++i) {
    metrics.counter("client_auth_total", "What clients said where a password is asked for.",
                    static_cast<double>(counts[i]), {{"result", std::string(kClientAuthNames[i])}});
  }
}

void export_node_tls(net::MetricFamilies& metrics, const RoutingTable& table,
                     routing::PoolIndex index) {
  const net::TlsClientContext* const tls = table.secrets(index).tls.get();
  if (tls == nullptr) return;
  const net::Labels labels{{"pool", table.pool(index).options().name}};
  metrics.gauge("node_tls_verified", "1 if the certificates of the pool's nodes are verified.",
                tls->options().verify ? 1 : 0, labels);
  metrics.counter("node_tls_sessions_resumed_total",
                  "Handshakes with the pool's nodes that resumed a session, since the last reload.",
                  static_cast<double>(tls->resumed()), labels);
  if (tls->not_after_unix_s() == 0) return;
  metrics.gauge("node_tls_certificate_not_after_timestamp_seconds",
                "When the certificate that the pool's nodes see ends, or one behind it.",
                static_cast<double>(tls->not_after_unix_s()), labels);
}

}  // namespace ringcache::proxy
