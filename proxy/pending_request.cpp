#include "proxy/pending_request.h"

#include <cassert>
#include <utility>

#include "proxy/client_session.h"
#include "proxy/coalescer.h"

namespace ringcache::proxy {

void PendingRequest::add_follower(PendingRequest& request) {
  request.next_follower = followers;
  followers = &request;
  ++follower_count;
}

void PendingRequest::answer_is_whole() {
  ends_values = false;
  for (PendingRequest* each = followers; each != nullptr; each = each->next_follower) {
    each->ends_values = false;
  }
}

void PendingRequest::append(std::string_view bytes, net::ReadBuffer* from) {
  if (coalescer != nullptr) coalescer->end(*this);
  if (followers != nullptr) append_to_followers(bytes);
  to_client({bytes, from});
}

// A large value is copied once, however many they are.
void PendingRequest::append_to_followers(std::string_view bytes) {
  net::SharedBytes* const shared =
      bytes.size() > HeldReply::kSmallBytesMax ? owner->share(bytes) : nullptr;
  for (PendingRequest* each = followers; each != nullptr; each = each->next_follower) {
    each->to_client({bytes, nullptr, shared});
  }
  if (shared != nullptr) shared->drop();
}

void PendingRequest::to_client(const ReplyBytes& reply) {
  if (session != nullptr && fixed_answer.empty()) session->append(*this, reply);
}

void PendingRequest::part_done(net::SteadyNs now) {
  assert(parts_left > 0);
  if (--parts_left > 0) return;
  writes.done();
  if (coalescer != nullptr) coalescer->end(*this);
  PendingRequest* follower = std::exchange(followers, nullptr);
  finish(now);
  while (follower != nullptr) {
    PendingRequest* const next_one = std::exchange(follower->next_follower, nullptr);
    follower->part_done(now);
    follower = next_one;
  }
}

// `this` may be dead afterwards.
void PendingRequest::finish(net::SteadyNs now) {
  finished = true;
  if (pool != nullptr) {
    const auto elapsed_ns = static_cast<std::uint64_t>(now - started);
    pool->duration[static_cast<std::size_t>(duration_class(command))].record_ns(elapsed_ns);
    pool->in_flight.sub();
  }
  if (session == nullptr) return owner->give_back(*this);
  if (!fixed_answer.empty()) {
    session->append(*this, {fixed_answer});
  } else if (fan_out) {
    if (!quiet) session->append(*this, {fan_out->answer()});
  } else if (replica_write.on()) {
    const bool hidden = quiet && protocol::quiet_suppresses(command, replica_write.status());
    if (!hidden && !replica_write.answer().empty()) {
      session->append(*this, {replica_write.answer()});
    }
  } else if (ends_values) {
    session->append(*this, {protocol::kEnd});
  }
  session->release_finished();
}

PendingPool::~PendingPool() {
  while (free_ != nullptr) {
    PendingRequest* const request = free_;
    free_ = request->next;
    delete request;
  }
}

PendingRequest& PendingPool::take() {
  ++in_use_;
  if (free_ == nullptr) {
    auto* const request = new PendingRequest(blocks_);
    request->owner = this;
    return *request;
  }
  PendingRequest& request = *free_;
  free_ = request.next;
  --free_count_;
  request.next = nullptr;
  return request;
}

void PendingPool::give_back(PendingRequest& request) {
  assert(in_use_ > 0);
  assert(request.writes.empty());
  --in_use_;
  if (free_count_ >= kFreeMax) {
    delete &request;
    return;
  }
  request.session = nullptr;
  request.pool = nullptr;
  request.parts_left = 0;
  request.quiet = request.ends_values = request.finished = false;
  request.fixed_answer = {};
  request.may_write = false;
  request.large_bytes = 0;
  request.reply_bytes = 0;
  request.follower_count = 0;
  request.miss_line.clear();
  request.reply.clear();
  request.packets.clear();
  request.replica_write.clear();
  request.fan_out.reset();
  request.near_cache = nullptr;
  request.next = free_;
  free_ = &request;
  ++free_count_;
}

}  // namespace ringcache::proxy
