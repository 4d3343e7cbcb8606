#include "net/connector.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "net/socket_connection.h"
#include "net/worker.h"

namespace ringcache::net {

namespace {

std::error_code system_error(int error) {
  return {error, std::system_category()};
}

void set_socket_options(int fd, bool keepalive) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (keepalive) ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

}  // namespace

SocketConnection* SocketConnection::outgoing(Worker& worker, const ConnectionOptions& options,
                                             ConnectionHandler& handler) {
  ConnectionProfile profile;
  profile.options = options;
  auto* connection = new SocketConnection(worker, profile);
  connection->handler_ = &handler;
  worker.loop().adopt(*connection);
  return connection;
}

void SocketConnection::begin_connecting(const Address& address, const ConnectOptions& options) {
  connecting_ = std::make_unique<Connecting>();
  connecting_->keepalive = options.keepalive;
  connecting_->alive = std::make_shared<SocketConnection*>(this);
  connecting_->tls = options.tls;
  if (options.tls) connecting_->address = address;
  set_deadline(options.timeout);
}

void SocketConnection::try_endpoints(std::vector<Endpoint> endpoints) {
  connecting_->endpoints = std::move(endpoints);
  try_next_endpoint(system_error(EADDRNOTAVAIL));
}

void SocketConnection::try_next_endpoint(std::error_code last_error) {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  while (connecting_->next < connecting_->endpoints.size()) {
    const Endpoint& endpoint = connecting_->endpoints[connecting_->next++];
    fd_ = ::socket(endpoint.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) {
      last_error = system_error(errno);
      continue;
    }
    if (endpoint.family() != AF_UNIX) set_socket_options(fd_, connecting_->keepalive);
    peer_ = PeerAddress(endpoint);
    const int result =
        ::connect(fd_, reinterpret_cast<const sockaddr*>(&endpoint.storage), endpoint.length);
    // Connected at once or not, the loop says so with EPOLLOUT.
    if ((result == 0 || errno == EINPROGRESS) && worker_.loop().add(fd_, EPOLLOUT, *this)) {
      watched_ = EPOLLOUT;
      return;
    }
    last_error = system_error(errno);
    ::close(std::exchange(fd_, -1));
  }
  close_with({CloseReason::kConnectFailed, last_error});
}

void SocketConnection::finish_connecting() {
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error == 0 && connected_to_itself()) error = ECONNREFUSED;
  if (error != 0) return try_next_endpoint(system_error(error));
  const bool tls = connecting_->tls && connecting_->address.kind == Address::Kind::kTcp;
  if (tls) return begin_handshake();
  finish_opening();
}

void SocketConnection::finish_opening() {
  connecting_.reset();
  state_ = State::kOpen;
  last_moved_ns_ = worker_.now_ns();
  arm_idle_timer();
  want(EPOLLIN);
  handler_->on_connected(*this);
  if (state_ != State::kClosed) flush();
  // What came with the end of the handshake, the socket won't report again.
  if (tls_ && state_ == State::kOpen) worker_.loop().offer_later(*this);
}

// A connect to a free port of this machine's ephemeral range can meet its own source port, and TCP
// calls that connected. It means that nobody listens there.
bool SocketConnection::connected_to_itself() const {
  Endpoint local;
  Endpoint remote;
  local.length = remote.length = sizeof(sockaddr_storage);
  if (::getsockname(fd_, reinterpret_cast<sockaddr*>(&local.storage), &local.length) != 0 ||
      ::getpeername(fd_, reinterpret_cast<sockaddr*>(&remote.storage), &remote.length) != 0) {
    return false;
  }
  return local.family() != AF_UNIX && local.length == remote.length &&
         std::memcmp(&local.storage, &remote.storage, local.length) == 0;
}

Connection& connect(Worker& worker, const Address& address, const ConnectOptions& options,
                    ConnectionHandler& handler) {
  SocketConnection* connection = SocketConnection::outgoing(worker, options.connection, handler);
  connection->begin_connecting(address, options);
  Endpoint endpoint;
  if (address.kind == Address::Kind::kUnix
          ? unix_endpoint(address.path, endpoint)
          : numeric_endpoint(address.host, address.port, endpoint)) {
    connection->try_endpoints({endpoint});
  } else if (address.kind == Address::Kind::kUnix) {
    connection->close_with({CloseReason::kConnectFailed, system_error(ENAMETOOLONG)});
  } else {
    // The worker or the connection may be gone when the answer comes; neither is touched then.
    worker.resolver().resolve(
        address.host, address.port,
        [loop = worker.shared_loop(), alive = connection->alive()](
            std::error_code error, std::vector<Endpoint> endpoints) {
          loop->post([alive, error, endpoints = std::move(endpoints)]() mutable {
            const auto connection = alive.lock();
            if (connection == nullptr || !(*connection)->is_connecting()) return;
            if (error) {
              (*connection)->close_with({CloseReason::kConnectFailed, error});
            } else {
              (*connection)->try_endpoints(std::move(endpoints));
            }
          });
        });
  }
  return *connection;
}

}  // namespace ringcache::net
