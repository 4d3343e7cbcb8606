// The storage commands: whole in the input, or arriving in pieces. protocol.txt, "Storage commands"
// and "Meta Set".
#include <cstring>
#include <utility>

#include "store/executor.h"

namespace ringcache::store {

using protocol::Command;
using protocol::Request;

namespace {

bool is_meta(Command command) {
  return protocol::spec(command).meta;
}

// ms with N, which means something to append and prepend only.
bool appends_or_creates(const Request& request) {
  return request.command == Command::kMetaSet && request.meta.has('N') &&
         (request.meta.mode == 'A' || request.meta.mode == 'P');
}

}  // namespace

ItemAttributes Executor::attributes_of(const Request& request) const {
  const bool vivify = appends_or_creates(request);
  return {.client_flags = request.client_flags,
          .expiry = expiry(vivify ? request.meta.vivify_ttl_s : request.exptime_s),
          .key_is_binary = request.key_is_base64};
}

StoreOperands Executor::operands_of(const Request& request) const {
  StoreOperands operands;
  switch (request.command) {
    case Command::kAdd:
      operands.mode = StoreMode::kAdd;
      break;
    case Command::kReplace:
      operands.mode = StoreMode::kReplace;
      break;
    case Command::kAppend:
      operands.mode = StoreMode::kAppend;
      break;
    case Command::kPrepend:
      operands.mode = StoreMode::kPrepend;
      break;
    case Command::kCas:
      operands.compare = true;
      operands.compare_cas = request.cas_unique;
      break;
    case Command::kMetaSet:
      switch (request.meta.mode) {
        case 'E':
          operands.mode = StoreMode::kAdd;
          break;
        case 'R':
          operands.mode = StoreMode::kReplace;
          break;
        case 'A':
          operands.mode = StoreMode::kAppend;
          break;
        case 'P':
          operands.mode = StoreMode::kPrepend;
          break;
        default:
          break;
      }
      operands.compare = request.meta.has('C');
      operands.compare_cas = request.meta.compare_cas;
      operands.invalidate = request.meta.has('I');
      operands.cas = request.meta.has('E') ? request.meta.explicit_cas : 0;
      operands.append_vivify = appends_or_creates(request);
      break;
    default:
      break;
  }
  if (!rules_.cas && operands.compare) operands.compare_cas = kCasOfNoItem;
  return operands;
}

Executor::StoreReply Executor::reply_of(const Request& request) {
  return {request.command, request.quiet, request.key(), request.key_is_base64,
          is_meta(request.command) ? request.meta.reply_flags() : protocol::MetaReplyFlags{}};
}

Executor::StoreReply Executor::reply_of(const PendingStore& pending) {
  return {pending.command, pending.quiet, pending.key_view(), pending.key_is_base64,
          pending.meta_flags.reply_flags()};
}

void Executor::store(const Request& request, const HashedKey& key, std::string_view block,
                     net::WriteBuffer& out) {
  const StoreReply reply = reply_of(request);
  const std::string_view value = block.substr(0, request.value_bytes);
  if (block.substr(request.value_bytes) != protocol::kCrlf) {
    answer_store_error(reply, protocol::kErrorBadDataChunk, out);
    return;
  }
  count_prefix(key.bytes, PrefixCounts::Event::kStore);
  const StoreOperands operands = operands_of(request);
  const ItemAttributes attributes = attributes_of(request);
  const bool watched = is_watched(kWatchFetchers | kWatchMutations);
  const PeekResult before = watched ? thread_.peek(key, now_) : PeekResult{};
  const StoreResult result = thread_.store(key, attributes, value, operands, now_);
  const bool is_append =
      operands.mode == StoreMode::kAppend || operands.mode == StoreMode::kPrepend;
  const bool failed =
      result.status == StoreStatus::kTooLarge || result.status == StoreStatus::kNoMemory;
  // A sum that is too large is no failure of this item; see answer_store.
  if (failed && !is_append) {
    refuse_store(request, result.status, key, out);
  } else {
    if (watched) [[unlikely]] {
      watch_store(key, before, operands, attributes, value.size(), result.status);
    }
    answer_store(reply, result, out);
  }
}

bool Executor::start_store(const Request& request, const HashedKey& key, PendingStore& pending,
                           net::WriteBuffer& out) {
  count_prefix(key.bytes, PrefixCounts::Event::kStore);
  const std::size_t bytes = request.value_bytes;
  const bool may_fit = bytes <= store_.options().item_bytes_max;  // if not, reserve counts it
  if (may_fit && !budget_.take_reserved(bytes)) {
    uploads_refused_.add();
    refuse_store(request, StoreStatus::kNoMemory, key, out);
    return false;
  }
  pending.attributes = attributes_of(request);
  pending.reservation = thread_.reserve(key, pending.attributes, bytes, now_);
  if (!pending.reservation) {
    if (may_fit) budget_.give_reserved(bytes);
    const bool too_large = pending.reservation.status() == ReserveStatus::kTooLarge;
    refuse_store(request, too_large ? StoreStatus::kTooLarge : StoreStatus::kNoMemory, key, out);
    return false;
  }
  pending.reserved_bytes = bytes;
  pending.operands = operands_of(request);
  pending.command = request.command;
  pending.quiet = request.quiet;
  pending.key_is_base64 = request.key_is_base64;
  pending.key_bytes = static_cast<std::uint8_t>(request.key().size());
  std::memcpy(pending.key.data(), request.key().data(), request.key().size());
  if (is_meta(request.command)) pending.meta_flags = protocol::SavedMetaFlags(request.meta);
  return true;
}

void Executor::finish_store(PendingStore& pending, bool good_end, net::WriteBuffer& out) {
  budget_.give_reserved(std::exchange(pending.reserved_bytes, 0));
  const StoreReply reply = reply_of(pending);
  if (!good_end) {
    pending.reservation.reset();
    answer_store_error(reply, protocol::kErrorBadDataChunk, out);
    return;
  }
  const bool watched = is_watched(kWatchFetchers | kWatchMutations);
  const HashedKey key = watched ? store_.hashed(pending.key_view()) : HashedKey{};
  const PeekResult before = watched ? thread_.peek(key, now_) : PeekResult{};
  const std::size_t value_bytes = pending.reservation.value_bytes();
  const StoreResult result = thread_.commit(std::move(pending.reservation), pending.operands, now_);
  if (watched) [[unlikely]] {
    watch_store(key, before, pending.operands, pending.attributes, value_bytes, result.status);
  }
  answer_store(reply, result, out);
}

void Executor::abandon_store(PendingStore& pending) {
  pending.reservation.reset();
  budget_.give_reserved(std::exchange(pending.reserved_bytes, 0));
}

void Executor::answer_store(const StoreReply& reply, const StoreResult& result,
                            net::WriteBuffer& out) {
  if (is_meta(reply.command)) {
    answer_meta_store(reply, result, out);
    return;
  }
  if (reply.quiet) return;
  switch (result.status) {
    case StoreStatus::kStored:
      out.append(protocol::kStored);
      return;
    case StoreStatus::kExists:
      out.append(protocol::kExists);
      return;
    case StoreStatus::kNotFound:
      out.append(protocol::kNotFound);
      return;
    case StoreStatus::kNotStored:
    case StoreStatus::kTooLarge:  // memcached: an append that makes the item too large
    case StoreStatus::kNoMemory:  // memcached: or for whose sum there is no room
      out.append(protocol::kNotStored);
      return;
  }
}

// Hidden by noreply, never by the meta flag q.
void Executor::answer_store_error(const StoreReply& reply, std::string_view text,
                                  net::WriteBuffer& out) {
  if (is_meta(reply.command) || !reply.quiet) write_line(out, text);
}

// A value that can't be stored must not leave an older one to be read: memcached drops the item for
// `set`, and for ms in every mode.
void Executor::refuse_store(const Request& request, StoreStatus status, const HashedKey& key,
                            net::WriteBuffer& out) {
  const StoreReply reply = reply_of(request);
  const bool discards = reply.command == Command::kSet || reply.command == Command::kMetaSet;
  if (is_watched(kWatchFetchers | kWatchMutations)) [[unlikely]] {
    watch_refusal(operands_of(request), key, status, discards);
  }
  if (discards) thread_.discard(key, now_);
  if (is_meta(reply.command)) meta_commands_.add();
  answer_store_error(reply,
                     status == StoreStatus::kTooLarge ? protocol::kErrorTooLarge
                                                      : protocol::kErrorOutOfMemoryStoring,
                     out);
}

}  // namespace ringcache::store
