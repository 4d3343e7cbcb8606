#include "net/tls_handshaker.h"

#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <optional>
#include <utility>

#include "net/counter.h"
#include "net/deadline.h"
#include "net/event_loop.h"
#include "net/tls_context.h"
#include "net/worker.h"

namespace ringcache::net {

namespace {

/// Clients of the queue that are found to have gone in one turn, each for two system calls.
constexpr int kGonePerTurn = 64;
/// Of a turn, for clients that have begun; at least one of them.
constexpr SteadyNs kBegunTurnNs = 200'000;

bool has_gone(int fd) {
  pollfd asked{.fd = fd, .events = POLLRDHUP, .revents = 0};
  return ::poll(&asked, 1, 0) > 0;  // POLLHUP and POLLERR come unasked
}

bool has_unread_input(int fd) {
  int bytes = 0;
  return ::ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

}  // namespace

/// One thread of it.
class TlsHandshaker::Lane {
 public:
  Lane(TlsContext& context, std::size_t index, const Clock& clock, const Secured& on_secured)
      : context_(context),
        on_secured_(on_secured),
        worker_(index, "tls-" + std::to_string(index), clock, nullptr),
        room_(worker_.timers(), [this] { schedule(); }) {}

  std::optional<std::string> start() { return worker_.start(); }
  void stop();
  void add(std::shared_ptr<AcceptedSocket> accepted);
  std::size_t unfinished() const { return unfinished_.value(); }

 private:
  struct Client;
  using Clients = std::list<Client>;

  struct Client final : EventSource {
    Client(Lane& of, std::shared_ptr<AcceptedSocket> socket)
        : lane(of), accepted(std::move(socket)), deadline(of.worker_.timers(), [this] {
            lane.context_.count_timeout();
            lane.finish(*this);
          }) {}
    virtual ~Client() = default;
    void on_ready(std::uint32_t events) override { lane.on_ready(*this, events); }

    Lane& lane;
    std::shared_ptr<AcceptedSocket> accepted;
    Timer deadline;
    std::chrono::nanoseconds left{0};  ///< of its time, while it waits for us
    SteadyNs since_ns = 0;             ///< it is in half_ or answered_
    Clients* list = nullptr;           ///< the one that it is in
    Clients::iterator self;
    std::optional<std::list<Client*>::iterator> turn;  ///< in turns_
  };

  void begin(std::shared_ptr<AcceptedSocket> accepted);
  void on_ready(Client& client, std::uint32_t events);
  void enqueue(Client& client);
  void take_a_turn(Client& client);
  void stop_its_time(Client& client);
  static void answer_next(void* lane) { static_cast<Lane*>(lane)->answer_next(); }
  void answer_next();
  void continue_begun();
  bool begin_next();
  void step(Client& client);
  bool make_room();
  void schedule();
  void fail(Client& client, std::string_view cause, bool silent);
  void finish(Client& client);
  void move_to(Clients& list, Client& client);

  TlsContext& context_;
  const Secured& on_secured_;
  Worker worker_;
  Timer room_;  ///< while the queue waits for room: when the oldest may be closed
  // Every client is in one of these, in the order in which it came there.
  Clients silent_;            ///< not a byte yet
  Clients queue_;             ///< bytes of a hello, to be read
  Clients half_;              ///< begun: half a hello was read
  Clients answered_;          ///< begun: it is the client's turn
  Clients over_;              ///< destroyed at the end of the turn: events may still be coming
  std::list<Client*> turns_;  ///< begun, and more has come; in the order in which it came
  bool scheduled_ = false;
  Counter unfinished_;
};

void TlsHandshaker::Lane::stop() {
  worker_.stop();
  worker_.join();
  turns_.clear();
  for (Clients* list : {&silent_, &queue_, &half_, &answered_, &over_}) list->clear();
  unfinished_.set(0);
}

void TlsHandshaker::Lane::add(std::shared_ptr<AcceptedSocket> accepted) {
  worker_.post([this, accepted = std::move(accepted)] { begin(accepted); });
}

void TlsHandshaker::Lane::begin(std::shared_ptr<AcceptedSocket> accepted) {
  const int fd = accepted->fd;
  Client& client = silent_.emplace_back(*this, std::move(accepted));
  client.list = &silent_;
  client.self = std::prev(silent_.end());
  unfinished_.add();
  client.deadline.after(context_.options().handshake_timeout);
  if (!worker_.loop().add(fd, EPOLLIN, client)) finish(client);
}

void TlsHandshaker::Lane::on_ready(Client& client, std::uint32_t events) {
  if (client.list == &over_) return;
  if (client.list == &queue_ || client.turn) {
    return fail(client, "the peer has closed", false);  // nothing else is asked for
  }
  if (client.list == &answered_) return take_a_turn(client);
  const int fd = client.accepted->fd;
  // Nobody shakes hands with half a connection.
  if ((events & (EPOLLHUP | EPOLLERR)) != 0 || has_gone(fd)) {
    return fail(client, "the peer has closed", client.list == &silent_ && !has_unread_input(fd));
  }
  if (client.list == &half_) return take_a_turn(client);
  enqueue(client);
}

void TlsHandshaker::Lane::enqueue(Client& client) {
  stop_its_time(client);
  worker_.loop().modify(client.accepted->fd, 0, client);
  move_to(queue_, client);
  schedule();
}

// While it waits for us.
void TlsHandshaker::Lane::stop_its_time(Client& client) {
  const std::chrono::nanoseconds left(client.deadline.due() - worker_.now_ns());
  client.left = std::max(left, std::chrono::nanoseconds(0));
  client.deadline.cancel();
}

void TlsHandshaker::Lane::take_a_turn(Client& client) {
  stop_its_time(client);
  worker_.loop().modify(client.accepted->fd, 0, client);
  client.turn = turns_.insert(turns_.end(), &client);
  schedule();
}

void TlsHandshaker::Lane::schedule() {
  if (!std::exchange(scheduled_, true)) worker_.at_end_of_turn(&Lane::answer_next, this);
}

void TlsHandshaker::Lane::answer_next() {
  scheduled_ = false;
  over_.clear();
  continue_begun();
  const bool waits_for_room = !begin_next();
  if (!turns_.empty() || !over_.empty() || (!queue_.empty() && !waits_for_room)) schedule();
}

void TlsHandshaker::Lane::continue_begun() {
  const SteadyNs end_ns = worker_.precise_ns() + kBegunTurnNs;
  while (!turns_.empty()) {
    Client& client = *turns_.front();
    turns_.pop_front();
    client.turn.reset();
    client.deadline.after(client.left);
    step(client);
    if (worker_.precise_ns() >= end_ns) return;
  }
}

// One newcomer, if there is one. False: there is no room for it.
bool TlsHandshaker::Lane::begin_next() {
  for (int gone = 0; !queue_.empty() && gone < kGonePerTurn; ++gone) {
    Client& client = queue_.front();
    if (has_gone(client.accepted->fd)) {
      fail(client, "the peer has closed", false);
      continue;
    }
    if (!make_room()) return false;
    client.deadline.after(client.left);
    step(client);
    break;
  }
  return true;
}

// The next step of the handshake, as far as the socket lets it.
void TlsHandshaker::Lane::step(Client& client) {
  AcceptedSocket& accepted = *client.accepted;
  if (!accepted.tls) {
    accepted.tls = TlsStream::accepting(context_, accepted.fd);
    if (!accepted.tls) return fail(client, "no memory", false);
  }
  std::uint32_t wanted = EPOLLIN;
  switch (accepted.tls->handshake()) {
    case TlsStream::Handshake::kFailed:
      return fail(client, accepted.tls->failure(), accepted.tls->is_silent());
    case TlsStream::Handshake::kDone: {
      context_.count_done();
      worker_.loop().remove(accepted.fd);
      std::shared_ptr<AcceptedSocket> done = std::exchange(client.accepted, nullptr);
      finish(client);
      return on_secured_(std::move(done));
    }
    case TlsStream::Handshake::kWantsOutput:
      wanted = EPOLLOUT;
      break;
    case TlsStream::Handshake::kWantsInput:
      break;
  }
  worker_.loop().modify(accepted.fd, wanted, client);
  Clients& list = accepted.tls->has_sent() ? answered_ : half_;
  if (client.list == &list) return;
  client.since_ns = worker_.now_ns();
  move_to(list, client);
}

// For one more that has begun. False: none before room_ is due, or one is done.
bool TlsHandshaker::Lane::make_room() {
  if (half_.size() + answered_.size() < context_.options().handshakes_max) return true;
  std::chrono::nanoseconds left = kRoomAfter;
  for (Clients* list : {&half_, &answered_}) {
    // Those who wait for us hold up nobody.
    const auto oldest =
        std::find_if(list->begin(), list->end(), [](const Client& client) { return !client.turn; });
    if (oldest == list->end()) continue;
    const std::chrono::nanoseconds lasted(worker_.now_ns() - oldest->since_ns);
    left = std::min<std::chrono::nanoseconds>(left, kRoomAfter - lasted);
    if (left.count() > 0) continue;
    context_.count_dropped();
    finish(*oldest);
    return true;
  }
  room_.after(left);
  return false;
}

void TlsHandshaker::Lane::fail(Client& client, std::string_view cause, bool silent) {
  context_.count_error(PeerAddress(client.accepted->peer).text(), cause, silent, worker_.now_ns());
  finish(client);
}

// Closes the socket, if it was not handed over. The client is destroyed at the end of the turn.
void TlsHandshaker::Lane::finish(Client& client) {
  client.deadline.cancel();
  if (client.turn) turns_.erase(*client.turn);
  client.turn.reset();
  if (client.accepted) worker_.loop().remove(client.accepted->fd);
  client.accepted.reset();
  move_to(over_, client);
  unfinished_.sub();
  schedule();
}

void TlsHandshaker::Lane::move_to(Clients& list, Client& client) {
  list.splice(list.end(), *client.list, client.self);
  client.list = &list;
}

// --- TlsHandshaker -------------------------------------------------------------------------------

TlsHandshaker::TlsHandshaker(TlsContext& context, std::size_t threads, const Clock& clock,
                             Secured on_secured)
    : on_secured_(std::move(on_secured)) {
  for (std::size_t index = 0; index < threads; ++index) {
    lanes_.push_back(std::make_unique<Lane>(context, index, clock, on_secured_));
  }
}

TlsHandshaker::~TlsHandshaker() {
  stop();
}

std::optional<std::string> TlsHandshaker::start() {
  for (const auto& lane : lanes_) {
    if (auto error = lane->start()) {
      stop();
      return error;
    }
  }
  return std::nullopt;
}

void TlsHandshaker::stop() {
  for (const auto& lane : lanes_) lane->stop();
}

void TlsHandshaker::add(std::shared_ptr<AcceptedSocket> accepted) {
  const std::size_t lane = next_lane_.fetch_add(1, std::memory_order_relaxed) % lanes_.size();
  lanes_[lane]->add(std::move(accepted));
}

std::size_t TlsHandshaker::unfinished() const {
  std::size_t count = 0;
  for (const auto& lane : lanes_) count += lane->unfinished();
  return count;
}

}  // namespace ringcache::net
