#include "net/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "net/accepted_socket.h"
#include "net/event_loop.h"
#include "net/io_threads.h"
#include "net/listen_socket.h"
#include "net/log.h"
#include "net/socket_connection.h"
#include "net/tls_context.h"
#include "net/tls_handshaker.h"

namespace ringcache::net {

namespace {

/// Connections taken from one socket before the others have their turn.
constexpr int kAcceptsPerEvent = 64;

bool out_of_resources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

class Listener::Impl final : public ConnectionGroup {
 public:
  Impl(IoThreads& threads, ListenerOptions options, HandlerFactory factory)
      : threads_(threads), options_(std::move(options)), factory_(std::move(factory)) {}

  std::optional<std::string> start(std::vector<Address>& bound, std::size_t& tls_bound);
  void stop();
  bool drain(std::chrono::milliseconds grace);
  void one_closed() override;
  /// The Listener and each connection hold it.
  void drop() {
    if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  std::atomic<std::size_t> open_{0};
  Counter accepted_;
  Counter refused_;
  Counter errors_;
  const ListenerOptions& options() const { return options_; }
  std::size_t handshakes() const { return handshaker_ ? handshaker_->unfinished() : 0; }

 private:
  struct Source final : EventSource {
    Source(Impl& owner, ListenSocket from, bool with_tls)
        : impl(owner), socket(std::move(from)), tls(with_tls) {}
    virtual ~Source() = default;
    void on_ready(std::uint32_t) override { impl.accept_from(*this); }
    Impl& impl;
    ListenSocket socket;
    const bool tls;
  };

  void accept_from(Source& source);
  std::optional<std::string> open(const std::vector<Address>& addresses, bool tls,
                                  std::vector<Address>& bound);
  void hand_over(int fd, const Endpoint& peer, bool tls);
  void give_to_worker(std::shared_ptr<AcceptedSocket> accepted);
  void serve(AcceptedSocket& accepted, Worker& worker);
  void refuse(int fd, bool plain);
  void pause();
  void resume();

  ~Impl() = default;

  std::atomic<std::size_t> holders_{1};
  IoThreads& threads_;
  ListenerOptions options_;
  HandlerFactory factory_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::unique_ptr<Worker> acceptor_;
  std::unique_ptr<TlsHandshaker> handshaker_;  ///< nullptr: no TLS
  std::unique_ptr<Timer> back_off_;
  LogLimiter error_log_;
  std::atomic<std::size_t> next_worker_{0};
  bool paused_ = false;
  std::atomic<bool> waiting_{false};  ///< paused at the limit: the next close resumes
  std::mutex mutex_;                  ///< guards stopped_; held while posting to the acceptor
  bool stopped_ = true;
  std::condition_variable all_closed_;
};

std::optional<std::string> Listener::Impl::open(const std::vector<Address>& addresses, bool tls,
                                                std::vector<Address>& bound) {
  std::vector<ListenSocket> sockets;
  for (const Address& address : addresses) {
    auto error = ListenSocket::open(address, options_.backlog, options_.unix_mode, sockets);
    if (error) return error;
  }
  for (ListenSocket& socket : sockets) {
    bound.push_back(socket.bound());
    const bool with_tls = tls && socket.bound().kind == Address::Kind::kTcp;
    sources_.push_back(std::make_unique<Source>(*this, std::move(socket), with_tls));
  }
  return std::nullopt;
}

std::optional<std::string> Listener::Impl::start(std::vector<Address>& bound,
                                                 std::size_t& tls_bound) {
  auto error = open(options_.addresses, options_.tls != nullptr, bound);
  tls_bound = options_.tls ? bound.size() : 0;
  if (!error) error = open(options_.plain_addresses, false, bound);
  if (!error && options_.tls) {
    const std::size_t threads = std::max<std::size_t>(threads_.size() / kWorkersPerHandshaker, 1);
    handshaker_ = std::make_unique<TlsHandshaker>(
        *options_.tls, threads, threads_[0].clock(),
        [this](std::shared_ptr<AcceptedSocket> done) { give_to_worker(std::move(done)); });
    error = handshaker_->start();
  }
  if (error) {
    sources_.clear();
    bound.clear();
    return error;
  }
  acceptor_ = std::make_unique<Worker>(0, "accept", Clock::steady(), nullptr);
  back_off_ = std::make_unique<Timer>(acceptor_->timers(), [this] { resume(); });
  acceptor_->post([this] {
    for (const auto& source : sources_) {
      if (!acceptor_->loop().add(source->socket.fd(), EPOLLIN, *source)) {
        log_error("cannot accept", {{"listen", source->socket.bound().text()}});
      }
    }
  });
  error = acceptor_->start();
  if (error) {
    sources_.clear();
    return error;
  }
  const std::lock_guard lock(mutex_);
  stopped_ = false;
  return std::nullopt;
}

void Listener::Impl::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
  }
  acceptor_->stop();
  acceptor_->join();
  if (handshaker_) handshaker_->stop();
  back_off_.reset();
  sources_.clear();
}

bool Listener::Impl::drain(std::chrono::milliseconds grace) {
  stop();
  // After the workers have taken over what the acceptor posted to them, so none is missed.
  threads_.post_all([group = static_cast<const ConnectionGroup*>(this)](Worker& worker) {
    worker.loop().for_each_connection([group](SocketConnection& connection) {
      if (connection.group() == group) connection.drain();
    });
  });
  std::unique_lock lock(mutex_);
  return all_closed_.wait_for(lock, grace, [this] { return open_.load() == 0; });
}

void Listener::Impl::accept_from(Source& source) {
  for (int count = 0; count < kAcceptsPerEvent && !paused_; ++count) {
    const bool full = open_.load() >= options_.connections_max;
    if (full && options_.at_limit == AtConnectionLimit::kWait) {
      pause();
      waiting_.store(true);
      // One may have closed between the two lines above and not have seen that we wait.
      if (open_.load() < options_.connections_max && waiting_.exchange(false)) resume();
      continue;
    }
    Endpoint peer;
    peer.length = sizeof peer.storage;
    const int fd = ::accept4(source.socket.fd(), reinterpret_cast<sockaddr*>(&peer.storage),
                             &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && out_of_resources(errno)) {
      errors_.add();
      if (const auto suppressed = error_log_.admit(acceptor_->now_ns())) {
        log_warn("cannot accept a connection",
                 {{"cause", std::generic_category().message(errno)}, {"suppressed", *suppressed}});
      }
      pause();
      back_off_->after(kAcceptBackOff);
      return;
    }
    if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (fd < 0) continue;  // the client has gone again (ECONNABORTED), or EINTR
    if (full) {
      refuse(fd, !source.tls);
    } else {
      hand_over(fd, peer, source.tls);
    }
  }
}

void Listener::Impl::hand_over(int fd, const Endpoint& peer, bool tls) {
  if (peer.family() != AF_UNIX) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  }
  open_.fetch_add(1);
  accepted_.add();
  holders_.fetch_add(1, std::memory_order_relaxed);
  auto accepted = std::make_shared<AcceptedSocket>(fd, peer, *this);
  if (tls) return handshaker_->add(std::move(accepted));
  give_to_worker(std::move(accepted));
}

// On the acceptor's thread, or on one of the handshaker.
void Listener::Impl::give_to_worker(std::shared_ptr<AcceptedSocket> accepted) {
  Worker& worker = threads_[next_worker_.fetch_add(1, std::memory_order_relaxed) % threads_.size()];
  worker.post([this, accepted = std::move(accepted), &worker] { serve(*accepted, worker); });
}

void Listener::Impl::serve(AcceptedSocket& accepted, Worker& worker) {
  const int fd = std::exchange(accepted.fd, -1);
  SocketConnection* connection =
      SocketConnection::accepted(worker, fd, accepted.peer, options_.connection, *this);
  if (connection == nullptr) return;
  connection->serve(factory_(*connection), std::move(accepted.tls));
}

void Listener::Impl::refuse(int fd, bool plain) {
  refused_.add();
  if (plain) {
    ::send(fd, options_.refusal_text.data(), options_.refusal_text.size(),
           MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  ::shutdown(fd, SHUT_WR);
  // Unread input would turn the close into a reset, which can overtake the text.
  char unread[4096];
  while (::recv(fd, unread, sizeof unread, MSG_DONTWAIT) == sizeof unread) {
  }
  ::close(fd);
}

void Listener::Impl::one_closed() {
  {
    const std::lock_guard lock(mutex_);
    if (open_.fetch_sub(1) == 1) all_closed_.notify_all();
    if (!stopped_ && waiting_.exchange(false)) acceptor_->post([this] { resume(); });
  }
  drop();
}

void Listener::Impl::pause() {
  paused_ = true;
  for (const auto& source : sources_) {
    acceptor_->loop().modify(source->socket.fd(), 0, *source);
  }
}

void Listener::Impl::resume() {
  if (!std::exchange(paused_, false)) return;
  for (const auto& source : sources_) {
    acceptor_->loop().modify(source->socket.fd(), EPOLLIN, *source);
  }
}

Listener::Listener(IoThreads& threads, ListenerOptions options, HandlerFactory factory)
    : impl_(new Impl(threads, std::move(options), std::move(factory))) {}

void Listener::Drop::operator()(Impl* impl) const {
  impl->drop();
}

Listener::~Listener() {
  stop();
}

std::optional<std::string> Listener::start() {
  return impl_->start(bound_, tls_bound_);
}
void Listener::stop() {
  impl_->stop();
}
bool Listener::drain(std::chrono::milliseconds grace) {
  return impl_->drain(grace);
}

std::size_t Listener::connections() const {
  return impl_->open_.load();
}
std::uint64_t Listener::accepted_total() const {
  return impl_->accepted_.value();
}
std::uint64_t Listener::refused_total() const {
  return impl_->refused_.value();
}
std::uint64_t Listener::accept_errors_total() const {
  return impl_->errors_.value();
}
std::size_t Listener::handshakes() const {
  return impl_->handshakes();
}
std::size_t Listener::connections_max() const {
  return impl_->options().connections_max;
}

}  // namespace ringcache::net
