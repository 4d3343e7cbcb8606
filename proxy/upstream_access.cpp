// What an Upstream does about TLS and passwords, which reload keeps its connection, and what is
// logged of one that is lost.
#include "proxy/upstream.h"

#include "net/log.h"
#include "net/worker.h"

namespace ringcache::proxy {

namespace {

// Files that say something else by now are for the next connection.
bool same_access(const PoolSecrets& a, const PoolSecrets& b) {
  if ((a.login == nullptr) != (b.login == nullptr)) return false;
  if (a.tls == nullptr || b.tls == nullptr) return a.tls == b.tls;
  return a.tls->options() == b.tls->options();
}

}  // namespace

bool same_node(const UpstreamSettings& a, const UpstreamSettings& b) {
  return a.pool == b.pool && a.node == b.node && a.address == b.address &&
         a.connection_index == b.connection_index && a.large == b.large && a.upload == b.upload &&
         same_access(a.secrets, b.secrets);
}

// It leaves when the connection is up, before everything that is appended later.
void Upstream::begin_login() {
  InFlight entry;
  entry.login = true;
  entry.command = protocol::Command::kSet;
  enqueue(entry);
  connection_->out().append(*settings_.secrets.login);
}

void Upstream::finish_login() {
  logging_in_ = false;
  counters_.connects[static_cast<std::size_t>(ConnectResult::kOk)].add();
}

// A node may refuse our certificate when the handshake is over for us (TLS 1.3).
bool Upstream::is_tls_failure(const net::Connection& connection, const net::CloseInfo& info) const {
  return info.reason == net::CloseReason::kTlsFailed ||
         (info.reason == net::CloseReason::kError && !connection.tls_failure().empty());
}

ConnectResult Upstream::connect_failure(const net::CloseInfo& info) const {
  if (info.reason == net::CloseReason::kConnectTimeout) return ConnectResult::kTimeout;
  if (info.reason == net::CloseReason::kTlsFailed) return ConnectResult::kTls;
  return closing_for_ == NodeFailure::kAuth ? ConnectResult::kAuth : ConnectResult::kRefused;
}

// `cause`: TLS's words, or nothing.
void Upstream::log_loss(NodeFailure failure, const std::string& cause) {
  const auto suppressed = loss_limiter_.admit(now());
  if (!suppressed) return;
  const std::string_view reason = kNodeFailureNames[static_cast<std::size_t>(failure)];
  if (!cause.empty()) {
    return net::log_warn("node connection failed", {{"pool", settings_.pool},
                                                    {"node", settings_.node},
                                                    {"reason", reason},
                                                    {"cause", cause},
                                                    {"requests", in_flight_.size()},
                                                    {"suppressed", *suppressed}});
  }
  net::log_warn("node connection lost", {{"pool", settings_.pool},
                                         {"node", settings_.node},
                                         {"reason", reason},
                                         {"requests", in_flight_.size()},
                                         {"suppressed", *suppressed}});
}

}  // namespace ringcache::proxy
