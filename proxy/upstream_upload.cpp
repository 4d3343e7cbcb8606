// Upstream's uploads: a storage command whose large data block is passed on while its client sends
// it.
#include <limits>
#include <utility>

#include "net/worker.h"
#include "proxy/client_session.h"
#include "proxy/upstream.h"

namespace ringcache::proxy {

std::optional<NodeFailure> Upstream::begin_upload(const InFlight& entry, std::string_view line,
                                                  ClientSession& client) {
  const auto failure = send(entry, line);
  if (failure) return failure;
  counters_.uploads.add();
  uploader_ = &client;
  upload_moved_ = now();
  arm_deadline();
  return std::nullopt;
}

void Upstream::upload(std::string_view bytes, net::ReadBuffer& from) {
  upload_moved_ = now();
  append_to(connection_->out(), {bytes, &from});
  if (state_ == State::kUp) connection_->schedule_flush();
}

bool Upstream::upload_must_wait() {
  if (sent_.waiting()) return true;
  if (connection_->out().bytes() <= settings_.window_bytes) return false;
  sent_.wait_for(connection_->out());
  return sent_.waiting();
}

void Upstream::go_on_uploading() {
  upload_moved_ = now();
  if (uploader_ != nullptr) uploader_->upload_goes_on();
}

void Upstream::finish_upload(std::string_view end) {
  uploader_ = nullptr;
  if (!end.empty()) {
    connection_->out().append(end);
    if (state_ == State::kUp) connection_->schedule_flush();
  }
  sent_.forget();
  if (!in_flight_.empty()) {
    in_flight_[in_flight_.size() - 1].sent = now();  // behind our password, on a new connection
    arm_deadline();
    return;
  }
  // It was answered before: the node has refused it, and swallows what it was sent.
  if (retired_ && connection_ != nullptr) return connection_->close();
  tell_free();
}

void Upstream::abort_upload(std::string_view answer) {
  uploader_ = nullptr;
  sent_.forget();
  drop_connection();
  while (!in_flight_.empty()) {
    const InFlight entry = in_flight_.front();
    in_flight_.pop_front();
    counters_.in_flight.sub();
    PendingRequest* const pending = entry.pending;
    if (pending != nullptr) {
      const bool silent = pending->quiet && !protocol::spec(entry.command).meta;
      if (!answer.empty() && !silent) pending->append(answer);
      pending->part_done(now());
    }
  }
  if (retired_) return tell_gone();
  tell_free();
}

// The connection is gone.
void Upstream::end_upload() {
  sent_.forget();
  if (ClientSession* const client = std::exchange(uploader_, nullptr)) client->upload_over();
}

// The client has upload_stall for each part, the node the time of a request to take the window.
net::SteadyNs Upstream::upload_due() const {
  const bool node_is_slow = sent_.waiting() && state_ == State::kUp;
  const std::chrono::nanoseconds limit =
      node_is_slow ? settings_.timeouts.request * kArrivingTimeFactor : settings_.upload_stall;
  return upload_moved_ + limit.count();
}

void Upstream::check_upload() {
  if (now() < upload_due()) return arm_deadline();
  if (!sent_.waiting()) return uploader_->upload_stalled();
  report(routing::NodeResult::kTimeout);
  give_up(NodeFailure::kTimeout);
}

// Gone at once, and that says nothing about the node: the next request opens another.
void Upstream::drop_connection() {
  const bool was_connected = state_ == State::kUp || state_ == State::kProbing;
  if (was_connected) counters_.connections.sub();
  probe_timer_.cancel();
  idle_timer_.cancel();
  deadline_timer_.cancel();
  if (connection_ != nullptr) connection_->abandon();
  connection_ = nullptr;
  closing_for_.reset();
  timed_out_ = 0;
  state_ = State::kIdle;
}

void Upstream::tell_free() {
  if (settings_.upload && on_free_ != nullptr && is_free()) on_free_(free_context_, target_);
}

}  // namespace ringcache::proxy
