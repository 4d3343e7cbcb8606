// The binary protocol, but for its stat. protocol-binary.txt; the answers are memcached 1.6.18's.
#include <cstring>
#include <utility>

#include "protocol/binary_translation.h"
#include "store/executor.h"

namespace ringcache::store {

using protocol::BinaryAnswer;
using protocol::BinaryCommand;
using protocol::BinaryReply;
using protocol::BinaryRequest;
using protocol::BinaryStatus;

namespace {

bool discards_old(BinaryCommand command) {
  return command == BinaryCommand::kSet;
}

}  // namespace

void Executor::answer_status(const BinaryAnswer& answer, BinaryStatus status, net::WriteBuffer& out,
                             std::uint64_t cas) {
  if (answer.hides(status)) return;
  if (char* to = out.reserve(protocol::kBinaryStatusBytesMax)) {
    out.commit(
        static_cast<std::size_t>(protocol::write_binary_status(to, answer, status, cas) - to));
  }
}

Executor::Next Executor::execute(const BinaryRequest& request, const HashedKey& key,
                                 net::WriteBuffer& out, net::WriteBuffer& scratch) {
  switch (request.answer.command) {
    case BinaryCommand::kGet:
    case BinaryCommand::kTouch:
      binary_get(request, key, out);
      break;
    case BinaryCommand::kDelete:
      binary_remove(request, key, out);
      break;
    case BinaryCommand::kIncrement:
    case BinaryCommand::kDecrement:
      binary_arithmetic(request, key, out);
      break;
    case BinaryCommand::kFlush:
      binary_flush(request, out);
      break;
    case BinaryCommand::kStat:
      binary_stat(request, out, scratch);
      break;
    case BinaryCommand::kVersion: {
      const std::string_view version = host_.version();
      if (char* to = out.reserve(protocol::kBinaryHeaderBytes + version.size())) {
        const char* const end =
            protocol::write_binary_text(to, request.answer, BinaryStatus::kSuccess, version);
        out.commit(static_cast<std::size_t>(end - to));
      }
      break;
    }
    case BinaryCommand::kVerbosity:
      outside_batch([&] { host_.set_verbosity(request.delta); });
      answer_status(request.answer, BinaryStatus::kSuccess, out);
      break;
    case BinaryCommand::kQuit:
      answer_status(request.answer, BinaryStatus::kSuccess, out);
      return Next::kClose;
    default:  // noop; stores have calls of their own
      answer_status(request.answer, BinaryStatus::kSuccess, out);
      break;
  }
  return Next::kContinue;
}

// --- reading -----------------------------------------------------------------------------------

void Executor::binary_get(const BinaryRequest& request, const HashedKey& key,
                          net::WriteBuffer& out) {
  if (is_watched(kWatchFetchers)) [[unlikely]]
    watch_fetch(key);
  const bool touches = request.touches || request.answer.command == BinaryCommand::kTouch;
  const ItemView item = touches ? thread_.get_and_touch(key, expiry(request.exptime_s), now_)
                                : thread_.get(key, now_);
  if (counts_prefixes()) [[unlikely]]
    count_get(key.bytes, static_cast<bool>(item));
  if (item) return write_hit(request, item, out);
  if (!request.answer.returns_key) {
    return answer_status(request.answer, BinaryStatus::kNotFound, out);
  }
  if (request.answer.hides(BinaryStatus::kNotFound)) return;
  if (char* to = out.reserve(protocol::kBinaryReplyBytesMax)) {
    const char* const end = protocol::write_binary_reply(
        to, request.answer, {.status = BinaryStatus::kNotFound, .key = request.key});
    out.commit(static_cast<std::size_t>(end - to));
  }
}

void Executor::write_hit(const BinaryRequest& request, const ItemView& item,
                         net::WriteBuffer& out) {
  BinaryReply reply{.cas = shown_cas(item.cas()),
                    .has_flags = true,
                    .client_flags = item.client_flags(),
                    .key = request.answer.returns_key ? request.key : std::string_view{}};
  if (request.answer.command != BinaryCommand::kTouch) reply.value_bytes = item.value_bytes();
  const std::size_t whole_bytes = protocol::kBinaryReplyBytesMax + reply.value_bytes;
  const bool small = item.is_one_piece() && whole_bytes <= net::WriteBuffer::kReserveMax;
  const bool copies = reply.value_bytes == 0 || small;
  ValueClaim claim;
  if (!copies && !(claim = pins_.claim(thread_, item))) {
    reads_refused_.add();
    return answer_status(request.answer, BinaryStatus::kOutOfMemory, out);
  }
  char* const start = out.reserve(copies ? whole_bytes : protocol::kBinaryReplyBytesMax);
  if (start == nullptr) {
    pins_.give_up(std::move(claim));
    return;  // the connection sees that its output failed
  }
  char* end = protocol::write_binary_reply(start, request.answer, reply);
  if (copies && reply.value_bytes > 0) {
    std::memcpy(end, item.value().data(), reply.value_bytes);
    end += reply.value_bytes;
  }
  out.commit(static_cast<std::size_t>(end - start));
  if (!copies) pins_.append_value(std::move(claim), item, out);
}

// --- changing ----------------------------------------------------------------------------------

void Executor::binary_remove(const BinaryRequest& request, const HashedKey& key,
                             net::WriteBuffer& out) {
  if (is_watched(kWatchFetchers)) [[unlikely]]
    watch_fetch(key);
  count_prefix(key.bytes, PrefixCounts::Event::kDelete);
  DeleteOperands operands;
  operands.compare = request.cas != 0;
  operands.compare_cas = rules_.cas ? request.cas : kCasOfNoItem;
  const DeleteResult result = thread_.remove(key, operands, now_);
  if (is_watched(kWatchDeletions)) watch_deletion(key, result, false);
  const BinaryStatus status = result.status == DeleteStatus::kDeleted  ? BinaryStatus::kSuccess
                              : result.status == DeleteStatus::kExists ? BinaryStatus::kExists
                              : result.status == DeleteStatus::kNoMemory
                                  ? BinaryStatus::kOutOfMemory
                                  : BinaryStatus::kNotFound;
  answer_status(request.answer, status, out);
}

void Executor::binary_arithmetic(const BinaryRequest& request, const HashedKey& key,
                                 net::WriteBuffer& out) {
  if (is_watched(kWatchFetchers)) [[unlikely]]
    watch_fetch(key);
  ArithmeticOperands operands;
  operands.decrement = request.answer.command == BinaryCommand::kDecrement;
  operands.delta = request.delta;
  operands.compare = request.cas != 0;
  operands.compare_cas = rules_.cas ? request.cas : kCasOfNoItem;
  operands.vivify = request.creates();
  operands.vivify_expiry = expiry(request.exptime_s);
  operands.initial = request.initial;
  operands.key_is_binary = !protocol::is_text_key(request.key);
  const ArithmeticResult result = thread_.arithmetic(key, operands, now_);
  if (result.created && is_watched(kWatchMutations)) [[unlikely]]
    watch_created(key);
  switch (result.status) {
    case ArithmeticStatus::kOk:
      if (request.answer.hides(BinaryStatus::kSuccess)) return;
      if (char* to = out.reserve(protocol::kBinaryNumberBytes)) {
        protocol::write_binary_number(to, request.answer, result.value, shown_cas(result.cas));
        out.commit(protocol::kBinaryNumberBytes);
      }
      return;
    case ArithmeticStatus::kNotFound:
      return answer_status(request.answer, BinaryStatus::kNotFound, out);
    case ArithmeticStatus::kExists:
      return answer_status(request.answer, BinaryStatus::kExists, out);
    case ArithmeticStatus::kNotNumeric:
      return answer_status(request.answer, BinaryStatus::kNonNumeric, out);
    case ArithmeticStatus::kNoMemory:
      return answer_status(request.answer, BinaryStatus::kOutOfMemory, out);
  }
}

void Executor::binary_flush(const BinaryRequest& request, net::WriteBuffer& out) {
  if (!rules_.flush_all) return answer_status(request.answer, BinaryStatus::kAuthError, out);
  flush_after(request.exptime_s);
  answer_status(request.answer, BinaryStatus::kSuccess, out);
}

// --- storing -----------------------------------------------------------------------------------

// With a CAS number, set, add and replace are all `cas`.
StoreOperands Executor::operands_of(const BinaryRequest& request) const {
  StoreOperands operands;
  operands.compare = request.cas != 0;
  operands.compare_cas = rules_.cas ? request.cas : kCasOfNoItem;
  switch (request.answer.command) {
    case BinaryCommand::kAdd:
      if (!operands.compare) operands.mode = StoreMode::kAdd;
      break;
    case BinaryCommand::kReplace:
      if (!operands.compare) operands.mode = StoreMode::kReplace;
      break;
    case BinaryCommand::kAppend:
      operands.mode = StoreMode::kAppend;
      break;
    case BinaryCommand::kPrepend:
      operands.mode = StoreMode::kPrepend;
      break;
    default:
      break;
  }
  return operands;
}

ItemAttributes Executor::attributes_of(const BinaryRequest& request) const {
  return {.client_flags = request.client_flags,
          .expiry = expiry(request.exptime_s),
          .key_is_binary = !protocol::is_text_key(request.key)};
}

void Executor::store(const BinaryRequest& request, const HashedKey& key, std::string_view value,
                     net::WriteBuffer& out) {
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
  if (failed && !is_append) return refuse_store(request, result.status, key, out);
  if (watched) [[unlikely]] {
    watch_store(key, before, operands, attributes, value.size(), result.status);
  }
  answer_store(request.answer, result, operands.compare, out);
}

bool Executor::start_store(const BinaryRequest& request, const HashedKey& key,
                           PendingStore& pending, net::WriteBuffer& out) {
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
  pending.binary = request.answer;
  pending.key_bytes = static_cast<std::uint8_t>(request.key.size());
  std::memcpy(pending.key.data(), request.key.data(), request.key.size());
  return true;
}

void Executor::finish_binary_store(PendingStore& pending, net::WriteBuffer& out) {
  budget_.give_reserved(std::exchange(pending.reserved_bytes, 0));
  const bool watched = is_watched(kWatchFetchers | kWatchMutations);
  const HashedKey key = watched ? store_.hashed(pending.key_view()) : HashedKey{};
  const PeekResult before = watched ? thread_.peek(key, now_) : PeekResult{};
  const std::size_t value_bytes = pending.reservation.value_bytes();
  const StoreResult result = thread_.commit(std::move(pending.reservation), pending.operands, now_);
  if (watched) [[unlikely]] {
    watch_store(key, before, pending.operands, pending.attributes, value_bytes, result.status);
  }
  answer_store(pending.binary, result, pending.operands.compare, out);
}

void Executor::refuse_store(const BinaryRequest& request, StoreStatus status, const HashedKey& key,
                            net::WriteBuffer& out) {
  const bool discards = discards_old(request.answer.command);
  if (is_watched(kWatchFetchers | kWatchMutations)) [[unlikely]] {
    watch_refusal(operands_of(request), key, status, discards);
  }
  if (discards) thread_.discard(key, now_);
  answer_status(
      request.answer,
      status == StoreStatus::kTooLarge ? BinaryStatus::kTooLarge : BinaryStatus::kOutOfMemory, out);
}

void Executor::answer_store(const BinaryAnswer& answer, const StoreResult& result, bool compared,
                            net::WriteBuffer& out) {
  switch (result.status) {
    case StoreStatus::kStored:
      return answer_status(answer, BinaryStatus::kSuccess, out, shown_cas(result.cas));
    case StoreStatus::kExists:
      return answer_status(answer, BinaryStatus::kExists, out);
    case StoreStatus::kNotFound:
      return answer_status(answer, BinaryStatus::kNotFound, out);
    case StoreStatus::kNotStored:
    case StoreStatus::kTooLarge:  // of a sum, as in memcached
    case StoreStatus::kNoMemory:
      break;
  }
  // memcached: the reason that the command has for not storing.
  BinaryStatus status = BinaryStatus::kNotStored;
  if (answer.command == BinaryCommand::kAdd && !compared) status = BinaryStatus::kExists;
  if (answer.command == BinaryCommand::kReplace && !compared) status = BinaryStatus::kNotFound;
  answer_status(answer, status, out);
}

}  // namespace ringcache::store
