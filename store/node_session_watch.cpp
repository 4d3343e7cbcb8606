// What a session has to do with watchers: it may become one, and its coming and going is an event.
#include <array>
#include <charconv>
#include <string_view>

#include "store/node_peer.h"
#include "store/node_session.h"
#include "store/node_watchers.h"

namespace ringcache::store {

namespace {

constexpr std::string_view kNotAllowed = "CLIENT_ERROR watch commands not allowed\r\n";
constexpr std::string_view kUnknownClass = "ERROR\r\n";
constexpr std::string_view kTooMany = "WATCHER_TOO_MANY log watcher limit reached\r\n";

ConnectionEnd end_of(net::CloseReason reason) {
  switch (reason) {
    case net::CloseReason::kIdle:
      return ConnectionEnd::kIdleTimeout;
    case net::CloseReason::kShutdown:
      return ConnectionEnd::kShutdown;
    case net::CloseReason::kError:
    case net::CloseReason::kNoMemory:
      return ConnectionEnd::kError;
    default:
      return ConnectionEnd::kNormal;
  }
}

// "tcp:127.0.0.1:80", "tcp6:[::1]:80" -> address and port. Anything else has neither, as in
// memcached.
void split_peer(std::string_view peer, std::string_view& ip, WatchEvent& event) {
  ip = "unix";
  event.transport = Transport::kLocal;
  if (!peer.starts_with("tcp")) return;
  event.transport = Transport::kTcp;
  const std::size_t port_at = peer.rfind(':') + 1;
  std::from_chars(peer.data() + port_at, peer.data() + peer.size(), event.port);
  ip = peer.substr(peer.find(':') + 1);
  ip = ip.substr(0, ip.rfind(':'));
  if (ip.starts_with('[')) ip = ip.substr(1, ip.size() - 2);
}

}  // namespace

NodeSession::Step NodeSession::start_watching(net::Connection& connection,
                                              const protocol::Request& request) {
  const auto refuse = [&](std::string_view line) {
    if (!request.quiet) connection.out().append(line);
    return Step::kAgain;
  };
  if (worker_.watchers == nullptr) return refuse(kNotAllowed);
  WatchClasses classes = request.args().empty() ? kWatchFetchers : WatchClasses{0};
  for (const std::string_view name : request.args()) {
    if (!add_watch_class(name, classes)) return refuse(kUnknownClass);
  }
  auto watcher = std::make_unique<NodeWatcher>(classes, worker_.watchers->watcher_buffer_bytes());
  bool added = false;
  worker_.executor.outside_batch([&] { added = worker_.watchers->add(*watcher, connection); });
  if (!added) return refuse(kTooMany);
  watcher_ = std::move(watcher);
  state_ = State::kWatch;
  connection.set_idle_timeout(std::chrono::milliseconds(0));  // it has nothing to say
  connection.out().append(protocol::kOk);
  return Step::kAgain;
}

// What a watcher says is read and means nothing.
NodeSession::Step NodeSession::run_watch(net::Connection& connection) {
  connection.in().consume(connection.in().size());
  return Step::kNeedMore;
}

void NodeSession::stop_watching() {
  if (!watcher_) return;
  worker_.watchers->remove(*watcher_, entry_.connection);
  watcher_.reset();
}

void NodeSession::record_connection(WatchEventType type, net::CloseReason reason) {
  if (!worker_.executor.is_watched(kWatchConnections)) return;
  WatchEvent event;
  event.type = type;
  event.fd = entry_.connection.native_handle();
  event.end = timed_out_ ? ConnectionEnd::kIdleTimeout : end_of(reason);
  std::string_view ip;
  const std::string peer = peer_name(entry_.connection.peer_address().endpoint());
  split_peer(peer, ip, event);
  worker_.watch_log->record(event, ip);
}

}  // namespace ringcache::store
