// ClientSession's lanes: which connection to a node a request takes, and what must wait for that.
//
// A get of a key that is known to have a large value takes a connection for large values, all else
// the client's one for the node. Two connections keep no order between them, so a client whose
// large values are on their way does not write, and one whose writes are on their way does not ask
// for large values: its next request waits in the read buffer until those before it are answered.
// What other clients do needs no order until it is answered.
//
// What a client may ask for at once of large values is bounded by the window, unless it asks for
// one and has nothing else out: that one is its oldest, and never held.
#include "proxy/client_session.h"
#include "proxy/may_write.h"

namespace ringcache::proxy {

using protocol::Request;

namespace {

bool may_write_any_key(const Request& request) {
  return request.command == protocol::Command::kFlushAll || may_write(request);
}

bool reads_keys(const Request& request) {
  return protocol::is_read(request.command) && !request.keys().empty() && !may_write(request);
}

}  // namespace

// REQUIRES that requests are out.
bool ClientSession::must_wait(const Request& request) const {
  if (large_out_bytes_ > 0 && may_write_any_key(request)) return true;
  if (!worker_.large_keys().any() || !reads_keys(request)) return false;
  std::uint64_t bytes = 0;
  for (const std::string_view key : request.keys()) {
    bytes += worker_.large_keys().size_of(key_mark(key));
  }
  if (bytes == 0) return false;
  const Limits& limits = worker_.table().limits();
  return writes_out_ > 0 || large_out_bytes_ + bytes > limits.cut_through_window_bytes;
}

// Other workers learn of large keys meanwhile, so what must_wait() has seen may be true no more:
// behind a write of this client a read takes the write's connection.
std::uint64_t ClientSession::known_large(const Request& request, std::size_t mark) const {
  const std::uint64_t bytes = worker_.large_keys().size_of(mark);
  return bytes > 0 && writes_out_ == 0 && reads_keys(request) ? bytes : 0;
}

Upstream& ClientSession::upstream_to(routing::Target target, std::uint64_t large_bytes) {
  UpstreamSet& upstreams = worker_.upstreams();
  return large_bytes > 0 ? upstreams.get_large(target, number_) : upstreams.get(target, number_);
}

void ClientSession::note_write(const Request& request, PendingRequest& pending) {
  if (!may_write_any_key(request)) return;
  pending.may_write = true;
  ++writes_out_;
}

void ClientSession::note_large(std::uint64_t large_bytes, PendingRequest& pending) {
  pending.large_bytes = large_bytes;
  large_out_bytes_ += large_bytes;
}

// What was expected to be large says nothing about the other answers.
void ClientSession::learn_lanes(const PendingRequest& answered) {
  upload_out_ = false;
  large_out_bytes_ -= answered.large_bytes;
  if (answered.may_write) --writes_out_;
  if (answered.large_bytes == 0) learn_size(answered.reply_bytes);
}

// Until release_finished().
ClientSession::Step ClientSession::hold_back() {
  held_back_ = true;
  connection_.pause_reading();
  return Step::kStop;
}

}  // namespace ringcache::proxy
