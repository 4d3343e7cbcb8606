// Upstream's large values: passed on while they arrive, held back for a slow client, or dropped.
#include <algorithm>
#include <limits>
#include <utility>

#include "net/worker.h"
#include "proxy/client_session.h"
#include "proxy/replica_reads.h"
#include "proxy/reply_delivery.h"
#include "proxy/upstream.h"

namespace ringcache::proxy {

using protocol::kCrlf;
using protocol::Response;

namespace {

std::size_t element_bytes(const Response& response) {
  return response.header_bytes + response.value_bytes + kCrlf.size();
}

}  // namespace

// So that the next get of the key takes the right connection.
void Upstream::note_size(const Response& response) {
  const bool large = response.value_bytes > settings_.cut_through_bytes;
  if (!large && !settings_.large) return;
  const bool names_key = response.status == protocol::ResponseStatus::kValue;
  const std::size_t mark = names_key ? key_mark(response.key) : in_flight_.front().key_mark;
  if (large) {
    settings_.large_keys->note(mark, response.value_bytes);
  } else {
    settings_.large_keys->forget(mark);
  }
}

// Nothing may come between the parts of a value, and only a client's oldest request may write to
// it. What is shared by several, or is one part of several, is passed on whole.
bool Upstream::may_pass_on() {
  const InFlight& entry = in_flight_.front();
  const PendingRequest* const pending = entry.pending;
  if (pending == nullptr) return true;  // nobody waits: dropped as it comes
  if (pending->fan_out || pending->followers != nullptr || pending->parts_left != 1) return false;
  if (!pending->fixed_answer.empty()) return false;
  if (entry.replica != nullptr && entry.replica->as_value) return false;  // made anew
  if (pending->quiet && entry.command != protocol::Command::kMetaGet) return false;
  return pending->session == nullptr || pending->session->is_oldest(*pending);
}

// More of the element at the front is to come. False: wait for it.
bool Upstream::take_part(const Response& response) {
  net::ReadBuffer& in = connection_->in();
  const bool large =
      response.header_bytes > 0 && response.value_bytes > settings_.cut_through_bytes;
  if (large && may_pass_on()) {
    const std::size_t wanted = std::min(element_bytes(response), kPassOnBytes);
    if (in.size() >= wanted) {
      begin_passing_on(response);
      return true;
    }
    bytes_needed_ = wanted;
  } else {
    bytes_needed_ = response.bytes_needed;
    waits_to_pass_on_ = large;
  }
  if (in.ensure(bytes_needed_)) return false;
  if (response.header_bytes == 0) {
    give_up(NodeFailure::kProtocol);
    return false;
  }
  // Too large to be held, and it cannot be passed on now: a miss, and no harm to the others.
  bytes_needed_ = 0;
  waits_to_pass_on_ = false;
  skip_left_ = element_bytes(response);
  return true;
}

void Upstream::begin_passing_on(Response response) {
  InFlight& entry = in_flight_.front();
  if (!is_reply_to(entry, response)) return give_up(NodeFailure::kProtocol);
  // Nobody sees it whole, so it is not kept.
  if (entry.pending != nullptr) entry.pending->near_cache = nullptr;
  counters_.values_cut_through.add();
  timeouts_in_row_ = 0;
  timed_out_ = std::max<std::size_t>(timed_out_, 1);  // stream_due() is its time now
  passing_.left = element_bytes(response);
  passing_.open = true;
  passing_.last = response.last;
  net::ReadBuffer& in = connection_->in();
  // The two bytes of the CRLF are looked at together.
  const std::size_t count = std::min(in.size(), passing_.left - kCrlf.size());
  const std::size_t rest = in.size() - count;
  response.bytes = in.bytes().substr(0, count);
  deliver(entry, response, in, settings_.node, counters_);
  in.consume(in.size() - rest);
  passing_.left -= count;
  hold_for_client();
  arm_deadline();
}

// The next part of the value that is on its way. False: wait for more of it, or for the client.
bool Upstream::pass_on() {
  if (connection_->reading_paused()) return false;
  net::ReadBuffer& in = connection_->in();
  std::size_t count = std::min<std::uint64_t>(passing_.left, kPassOnBytes);
  if (in.size() < count) {
    // Without the memory it comes in smaller reads.
    if (!in.ensure(count) && !in.ensure(in.size() + 1)) give_up(NodeFailure::kProtocol);
    return false;
  }
  if (passing_.left - count == 1) --count;
  const bool ends = count == passing_.left;
  if (ends && !in.bytes().substr(0, count).ends_with(kCrlf)) {
    give_up(NodeFailure::kProtocol);
    return false;
  }
  const std::size_t rest = in.size() - count;
  PendingRequest* const pending = in_flight_.front().pending;
  if (pending != nullptr) pending->append(in.bytes().substr(0, count), &in);
  in.consume(in.size() - rest);
  passing_.left -= count;
  if (!ends) {
    hold_for_client();
    return true;
  }
  answered_ = answered_ || passing_.last;
  if (passing_.last) finish_front();
  return true;
}

// On a connection of its own a value waits until its client has taken what it was given. On one
// that small requests wait on it does not: limits.client_output bounds it.
void Upstream::hold_for_client() {
  const PendingRequest* const pending = in_flight_.front().pending;
  if (!settings_.large || passing_.spills || pending == nullptr || pending->session == nullptr) {
    return;
  }
  net::WriteBuffer& out = pending->session->output();
  if (out.bytes() <= settings_.window_bytes || drained_.waiting()) return;
  counters_.reading_held.add();
  passing_.held_since = now();
  connection_->pause_reading();
  drained_.wait_for(out);
}

void Upstream::go_on_reading() {
  received_ = now();
  if (connection_ == nullptr || !connection_->reading_paused()) return;
  connection_->resume_reading();
  arm_deadline();
}

// While a value is passed on, and until the end of its reply: when to look at it again.
net::SteadyNs Upstream::passing_due() const {
  const net::SteadyNs limit = std::chrono::nanoseconds(settings_.timeouts.request).count();
  if (connection_ == nullptr || !connection_->reading_paused()) return received_ + limit;
  const bool others_wait = in_flight_.size() > 1;
  return others_wait ? passing_.held_since + limit / 2 : kNever;
}

net::SteadyNs Upstream::next_due() {
  if (uploader_ != nullptr) return upload_due();
  const net::SteadyNs next = passing_.open ? passing_due() : kNever;
  return timed_out_ < in_flight_.size() ? std::min(next, due(in_flight_[timed_out_])) : next;
}

void Upstream::check_passing() {
  if (now() < passing_due()) return;
  if (!connection_->reading_paused()) {
    report(routing::NodeResult::kTimeout);
    return give_up(NodeFailure::kTimeout);
  }
  // Others have waited long enough for this client: the rest of its value waits in its output.
  passing_.spills = true;
  drained_.forget();
  go_on_reading();
}

// The connection is gone in the middle of a value: what its client has got must not look whole.
void Upstream::cut_value_short(NodeFailure failure) {
  const bool was_passing = std::exchange(passing_, {}).left > 0;
  drained_.forget();
  waits_to_pass_on_ = false;
  if (!was_passing || in_flight_.empty()) return;
  InFlight entry = in_flight_.front();
  in_flight_.pop_front();
  counters_.in_flight.sub();
  ReplicaReads::end(entry);
  if (entry.pending == nullptr) return;
  counters_.errors[static_cast<std::size_t>(failure)].add();
  if (entry.pending->session != nullptr) entry.pending->session->value_cut_short();
  entry.pending->part_done(now());
}

// A value above the proxy's limit that a node has all the same (somebody stored it there directly)
// is a miss for whoever asked, and no harm to the others on the connection. False: more of it is to
// come.
bool Upstream::skip_oversized() {
  net::ReadBuffer& in = connection_->in();
  const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(skip_left_, in.size()));
  in.consume(bytes);
  skip_left_ -= bytes;
  if (skip_left_ > 0) return false;
  if (in_flight_.front().pending != nullptr) timeouts_in_row_ = 0;
  if (protocol::reply_kind(in_flight_.front().command) == protocol::ReplyKind::kMeta) {
    Response miss;
    miss.status = protocol::ResponseStatus::kMetaMiss;
    const PendingRequest* const pending = in_flight_.front().pending;
    miss.bytes = pending == nullptr ? protocol::kMetaMiss : pending->miss();
    take_element(miss);
  }
  return true;
}

}  // namespace ringcache::proxy
