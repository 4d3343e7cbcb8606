#include "net/socket_connection.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "net/worker.h"

namespace ringcache::net {

namespace {

/// How often on_bytes may be called again in one event because the output that stopped it has left:
/// then the others have their turn.
constexpr int kOffersPerEvent = 8;

std::error_code system_error(int error) {
  return {error, std::system_category()};
}

}  // namespace

SocketConnection* SocketConnection::accepted(Worker& worker, int fd, const Endpoint& peer,
                                             const ConnectionOptions& options,
                                             ConnectionGroup& group) {
  auto* connection = new SocketConnection(
      worker,
      {.options = options, .read_counter = nullptr, .written_counter = nullptr, .group = &group});
  connection->fd_ = fd;
  connection->state_ = State::kOpen;
  connection->peer_ = PeerAddress(peer);
  connection->watched_ = EPOLLIN;
  connection->last_moved_ns_ = worker.now_ns();
  if (!worker.loop().add(fd, EPOLLIN, *connection)) {
    delete connection;
    return nullptr;
  }
  worker.loop().adopt(*connection);
  return connection;
}

void SocketConnection::serve(std::unique_ptr<ConnectionHandler> handler,
                             std::unique_ptr<TlsStream> tls) {
  handler_ = handler.release();
  owns_handler_ = true;
  tls_ = std::move(tls);
  if (handler_ == nullptr) return close_with({CloseReason::kLocal, {}});
  arm_idle_timer();
  // The first request often comes with the end of the handshake; the socket won't report it again.
  if (tls_ && tls_->may_have_more()) worker_.loop().offer_later(*this);
}

SocketConnection::~SocketConnection() {
  if (owns_handler_) delete handler_;
  if (fd_ >= 0) ::close(fd_);
  if (profile_->group != nullptr) profile_->group->one_closed();
}

void SocketConnection::on_ready(std::uint32_t events) {
  const CostMark mark = cost_mark();
  take_events(events);
  note_cost(mark);
}

SocketConnection::CostMark SocketConnection::cost_mark() const {
  return {worker_.last_read_ns(), read_bytes_ + written_bytes_};
}

// Handlers that take long read the clock when they are done. What they don't see is the copying
// into and out of the kernel, and the cipher; and those who never look must not be charged to the
// next one who does. An outgoing connection is never heavy: many wait for what it brings.
void SocketConnection::note_cost(const CostMark& mark) {
  const std::uint64_t moved_bytes = read_bytes_ + written_bytes_ - mark.moved_bytes;
  if (moved_bytes == 0) return;
  if (moved_bytes >= kCostlyBytes || worker_.last_read_ns() == mark.begin_ns) worker_.precise_ns();
  heavy_ = profile_->group != nullptr && worker_.last_read_ns() - mark.begin_ns > kHeavyNs;
}

void SocketConnection::take_events(std::uint32_t events) {
  if (state_ == State::kClosed) return;
  if (state_ == State::kConnecting) return tls_ ? take_handshake_event() : finish_connecting();
  if (tls_ && !before_tls_io(events)) return;
  if ((events & EPOLLOUT) != 0) send_output();
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0 || state_ == State::kClosed) return;
  if (may_read() && !heavy_) return read_once();
  if (may_read()) {
    is_to_read_ = true;
    return worker_.loop().offer_later(*this);
  }
  if (in_offers_ && state_ == State::kOpen) return watch_less();  // its turn comes
  if (lingering_) return discard_input();
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) return close_with({CloseReason::kError, system_error(error)});
    // Hung up, with input that may not be read yet. epoll reports it whether asked or not, so the
    // socket leaves the set until reading goes on.
    worker_.loop().remove(fd_);
    watched_ = 0;
    return;
  }
  watch_less();
}

// It may not read now, and the socket would be reported in each turn. Whoever lets it read again
// watches it again: offer_unread(), resume_watching().
void SocketConnection::watch_less() {
  if (tls_ && tls_->send_wants_input()) return;  // it reads by itself
  want(watched_ & ~std::uint32_t{EPOLLIN});
}

std::uint32_t SocketConnection::interest_after_send() const {
  bool output = !out_.empty();
  if (tls_ && tls_->send_wants_input()) return (watched_ & ~std::uint32_t{EPOLLOUT}) | EPOLLIN;
  if (tls_) output = output || tls_->receive_wants_output();
  return output ? watched_ | EPOLLOUT : watched_ & ~std::uint32_t{EPOLLOUT};
}

void SocketConnection::want(std::uint32_t events) {
  if (events == watched_) return;
  // No interest at all still reports a hang-up; leaving the set is only for that case above.
  if (watched_ == 0 && events != 0) {
    worker_.loop().remove(fd_);
    if (!worker_.loop().add(fd_, events, *this)) {
      return close_with({CloseReason::kError, system_error(errno)});
    }
  } else {
    worker_.loop().modify(fd_, events, *this);
  }
  watched_ = events & (EPOLLIN | EPOLLOUT);
}

void SocketConnection::read_once() {
  const std::span<const iovec> room = in_.prepare();
  if (room.empty()) {
    const bool limit = in_.size() >= in_.limit_bytes();
    return close_with({limit ? CloseReason::kInputLimit : CloseReason::kNoMemory, {}});
  }
  ssize_t count = 0;
  do {
    count = tls_               ? tls_->receive(room)
            : room.size() == 1 ? ::recv(fd_, room[0].iov_base, room[0].iov_len, 0)
                               : ::readv(fd_, room.data(), static_cast<int>(room.size()));
  } while (count < 0 && errno == EINTR);
  if (count > 0) {
    const auto bytes = static_cast<std::size_t>(count);
    in_.commit(bytes);
    read_bytes_ += bytes;
    if (profile_->read_counter != nullptr) profile_->read_counter->add(bytes);
    last_moved_ns_ = worker_.now_ns();
    if (in_.lent_left() == 0) deliver();
  } else if (count == 0) {
    end_of_input_ = true;
    want(watched_ & ~std::uint32_t{EPOLLIN});
    if (state_ == State::kOpen) deliver_end_of_input();
  } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
    close_with({CloseReason::kError, system_error(errno)});
  }
  in_.release();
  if (tls_ && state_ != State::kClosed) after_tls_read(count > 0);
}

// The handler sees the bytes; its answers leave at once. A handler that stopped because the output
// was full, and whose output left, goes on.
void SocketConnection::deliver() {
  for (int round = 0; round < kOffersPerEvent; ++round) {
    yielded_ = false;
    handler_->on_bytes(*this);
    if (state_ == State::kClosed) return;
    const bool stopped_by_output = output_full();
    flush();
    if (!stopped_by_output || (in_.empty() && !yielded_) || in_offers_) return;
    if (state_ != State::kOpen || paused_ || throttled_) return;
  }
  worker_.loop().offer_later(*this);
}

void SocketConnection::offer_unread() {
  const CostMark mark = cost_mark();
  const std::uint64_t read_before = read_bytes_;
  take_turn();
  note_cost(mark);
  if (may_read()) want(watched_ | EPOLLIN);
  if (is_to_drain_) continue_drain(read_bytes_ != read_before || drain_reads_left_ == kDrainReads);
}

void SocketConnection::take_turn() {
  const bool reads = is_to_read_;
  is_to_read_ = false;
  if (state_ == State::kConnecting) return step_handshake();
  if (state_ != State::kOpen || paused_ || throttled_) return;
  if (reads && !yielded_ && may_read()) return read_once();
  if ((!in_.empty() || yielded_) && in_.lent_left() == 0) {
    deliver();
    in_.release();
  }
  if (tls_ && tls_->may_have_more() && may_read()) return read_once();
  if (end_of_input_ && state_ == State::kOpen) deliver_end_of_input();
}

// After everything that came before it: a handler that stopped reading with requests unread gets
// those first.
void SocketConnection::deliver_end_of_input() {
  if (end_delivered_ || paused_ || throttled_ || in_offers_) return;
  end_delivered_ = true;
  handler_->on_end_of_input(*this);
  if (state_ != State::kClosed) flush();
}

void SocketConnection::flush() {
  if (state_ == State::kClosed || state_ < State::kOpen) return;
  if ((watched_ & EPOLLOUT) == 0) return send_output();
  throttled_ = throttled_ || output_full();  // the socket takes no more, and says when it does
}

void SocketConnection::send_output() {
  // Something is missing in it: what follows would be taken for something else.
  if (out_.failed()) return close_with({CloseReason::kNoMemory, {}});
  const bool was_full = throttled_ || output_full();
  int error = 0;
  if (!out_.empty()) {
    const WriteBuffer::FlushResult result =
        tls_ ? tls_->send(out_, worker_.pool()) : out_.flush(fd_);
    written_bytes_ += result.sent_bytes;
    if (result.sent_bytes > 0) last_moved_ns_ = worker_.now_ns();
    if (profile_->written_counter != nullptr) profile_->written_counter->add(result.sent_bytes);
    error = result.error;
  }
  if (error != 0 && error != EAGAIN) {
    return close_with({CloseReason::kError, system_error(error)});
  }
  want(interest_after_send());
  if (state_ == State::kClosed) return;
  if (state_ == State::kFlushing && out_.empty()) return finish_flushing();
  if (!was_full) return;
  throttled_ = out_.bytes() > options().output_low_bytes;
  if (!throttled_) note_drained();
}

void SocketConnection::note_drained() {
  if (state_ != State::kOpen) return;
  handler_->on_drained(*this);
  resume_watching();
}

// Reading is allowed again (or may be): watch the socket, offer what is unread.
void SocketConnection::resume_watching() {
  if (state_ != State::kOpen || paused_ || throttled_) return;
  if (!end_of_input_) want(watched_ | EPOLLIN);
  if (state_ != State::kOpen) return;
  const bool unread = !in_.empty() || yielded_ || (tls_ && tls_->may_have_more());
  if (unread || (end_of_input_ && !end_delivered_)) worker_.loop().offer_later(*this);
}

void SocketConnection::drain() {
  if (state_ != State::kOpen) return;
  is_to_drain_ = true;
  drain_reads_left_ = kDrainReads;
  if (!in_offers_) continue_drain(true);
}

// After each turn. Reads on while there is something in the socket, for so many turns.
void SocketConnection::continue_drain(bool may_be_more) {
  const bool goes_on = in_offers_ || (may_be_more && may_read());
  if (goes_on && drain_reads_left_ > 0) {
    --drain_reads_left_;
    if (!in_offers_) is_to_read_ = true;
    return worker_.loop().offer_later(*this);
  }
  is_to_drain_ = false;
  if (state_ == State::kOpen) handler_->on_drain(*this);
}

void SocketConnection::resume() {
  if (!std::exchange(paused_, false)) return;
  resume_watching();
}

void SocketConnection::begin_close_after_flush() {
  if (state_ < State::kOpen) return close_with({CloseReason::kLocal, {}});
  if (state_ != State::kOpen) return;
  state_ = State::kFlushing;
  set_deadline(kCloseFlushTimeout);
  worker_.loop().flush_later(*this);
}

// Everything is sent. Closing a socket with unread input makes the kernel reset the connection, and
// the reset can overtake the last answer; so end our side and read on until the peer ends its own.
void SocketConnection::finish_flushing() {
  if (lingering_) return;
  if (tls_) tls_->send_close_notify();
  int unread = 0;
  ::ioctl(fd_, FIONREAD, &unread);
  const CloseReason reason = end_of_input_ ? CloseReason::kPeerClosed : CloseReason::kLocal;
  if (end_of_input_ || (unread == 0 && in_.empty())) return close_with({reason, {}});
  lingering_ = true;
  set_deadline(kCloseFlushTimeout);
  ::shutdown(fd_, SHUT_WR);
  in_.take_back();
  want(EPOLLIN);
}

void SocketConnection::discard_input() {
  in_.consume(in_.size());
  const std::span<const iovec> room = in_.prepare();
  const ssize_t count = room.empty() ? 0 : ::recv(fd_, room[0].iov_base, room[0].iov_len, 0);
  if (count > 0) in_.commit(static_cast<std::size_t>(count));
  in_.consume(in_.size());
  in_.release();
  if (count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))) return;
  close_with({CloseReason::kLocal, {}});
}

void SocketConnection::close_with(const CloseInfo& info) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  connecting_.reset();
  if (deadline_) deadline_->timer.cancel();
  in_.take_back();
  if (tls_) worker_.tls_half_records().remove(*tls_);
  // The socket stays open until the handler is gone: who walks a list of handlers may ask it.
  worker_.loop().finish_later(*this, info);
}

void SocketConnection::report_closed(const CloseInfo& info) {
  out_.clear();
  if (handler_ != nullptr) handler_->on_closed(*this, info);
  if (owns_handler_) delete handler_;
  owns_handler_ = false;
  handler_ = nullptr;
  out_.clear();  // whatever on_closed appended
}

void SocketConnection::abandon_handler() {
  handler_ = nullptr;
  close_with({CloseReason::kLocal, {}});
}

void SocketConnection::arm_idle_timer() {
  if (state_ != State::kOpen) return;
  if (options().idle_timeout.count() > 0) {
    set_deadline(options().idle_timeout);
  } else if (deadline_) {
    deadline_->timer.cancel();
  }
}

void SocketConnection::set_deadline(std::chrono::nanoseconds delay) {
  if (!deadline_) deadline_ = std::make_unique<Deadline>(*this);
  deadline_->timer.after(delay);
}

// Whether the peer has taken output since this was asked last, and there was any to take. The
// kernel's buffer hides a peer that reads slowly from us: the socket may take nothing for long.
bool SocketConnection::peer_took_some() {
  int unsent = 0;
  // TCP: without what is on its way and may be acknowledged late. A UNIX socket knows the other
  // one.
  if (::ioctl(fd_, SIOCOUTQNSD, &unsent) != 0 && ::ioctl(fd_, SIOCOUTQ, &unsent) != 0) unsent = 0;
  if (out_.empty() && unsent == 0) return false;
  const std::uint64_t took = written_bytes_ - static_cast<std::uint64_t>(unsent);
  return std::exchange(deadline_->peer_took_bytes, took) != took;
}

void SocketConnection::on_deadline() {
  if (state_ == State::kConnecting) return close_with({CloseReason::kConnectTimeout, {}});
  const bool flushing = state_ == State::kFlushing;
  const std::chrono::nanoseconds limit =
      flushing ? std::chrono::nanoseconds(kCloseFlushTimeout) : options().idle_timeout;
  if (lingering_) return close_with({CloseReason::kLocal, {}});
  if (in_offers_ && !flushing) return set_deadline(limit);  // it waits for us
  const std::chrono::nanoseconds quiet(worker_.now_ns() - last_moved_ns_);
  if (quiet < limit) {
    set_deadline(limit - quiet);
  } else if (peer_took_some()) {
    set_deadline(limit);
  } else {
    close_with({flushing ? CloseReason::kLocal : CloseReason::kIdle, {}});
  }
}

}  // namespace ringcache::net
