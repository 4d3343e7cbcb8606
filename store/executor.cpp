#include "store/executor.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace ringcache::store {

using protocol::Command;
using protocol::Request;

namespace {

// Keys looked up together: their table lines, then their items, are on their way at the same time.
constexpr std::size_t kKeysTogether = 16;

void append_line(net::WriteBuffer& out, std::string_view text) {
  if (char* to = out.reserve(protocol::line_bytes_max(text))) {
    out.commit(static_cast<std::size_t>(protocol::write_line(to, text) - to));
  }
}

bool is_meta(Command command) {
  return protocol::spec(command).meta;
}

}  // namespace

Executor::Executor(Store& store, ExecutorHost& host, ValueBudget& budget, std::int64_t unix_offset)
    : store_(store),
      host_(host),
      budget_(budget),
      unix_offset_(unix_offset),
      thread_(store.thread()),
      pins_(budget) {}

void Executor::begin_turn(Seconds now) {
  now_ = now;
  thread_.begin_batch();
}

void Executor::end_turn() {
  thread_.end_batch();
}

// --- reading -----------------------------------------------------------------------------------

std::size_t Executor::retrieve(const Request& request, std::size_t first_key,
                               std::size_t output_bytes_max, net::WriteBuffer& out) {
  const auto keys = request.keys();
  const bool with_cas = request.command == Command::kGets || request.command == Command::kGats;
  const bool touches = request.command == Command::kGat || request.command == Command::kGats;
  const Seconds touch_expiry = touches ? expiry(request.exptime_s) : kNever;

  std::array<HashedKey, kKeysTogether> together;
  std::size_t answered = first_key;
  while (answered < keys.size()) {
    const std::size_t count = std::min(kKeysTogether, keys.size() - answered);
    for (std::size_t i = 0; i < count; ++i) {
      together[i] = store_.hashed(keys[answered + i]);
      if (count > 1) thread_.prefetch(together[i]);
    }
    for (std::size_t i = 0; count > 1 && i < count; ++i) thread_.prefetch_item(together[i]);
    for (std::size_t i = 0; i < count; ++i) {
      if (out.bytes() > output_bytes_max) return answered;
      const ItemView item = touches ? thread_.get_and_touch(together[i], touch_expiry, now_)
                                    : thread_.get(together[i], now_);
      if (item) write_value(item, with_cas, out);
      ++answered;
    }
  }
  if (!request.more_keys) out.append(protocol::kEnd);
  return answered;
}

void Executor::write_value(const ItemView& item, bool with_cas, net::WriteBuffer& out) {
  const std::string_view key = item.key();
  const std::size_t value_bytes = item.value_bytes();
  const std::size_t header_max = protocol::value_header_bytes_max(key);
  const bool small =
      item.is_one_piece() && header_max + value_bytes + 2 <= net::WriteBuffer::kReserveMax;
  char* const start = out.reserve(small ? header_max + value_bytes + 2 : header_max);
  if (start == nullptr) return;
  char* end = with_cas ? protocol::write_value_header(start, key, item.client_flags(), value_bytes,
                                                      item.cas())
                       : protocol::write_value_header(start, key, item.client_flags(), value_bytes);
  if (small) {
    std::memcpy(end, item.value().data(), value_bytes);
    end += value_bytes;
    std::memcpy(end, "\r\n", 2);
    end += 2;
  }
  out.commit(static_cast<std::size_t>(end - start));
  if (!small) {
    pins_.append_value(thread_, item, out);
    out.append(protocol::kCrlf);
  }
}

// --- storing -----------------------------------------------------------------------------------

ItemAttributes Executor::attributes_of(const Request& request) const {
  return {.client_flags = request.client_flags,
          .expiry = expiry(request.exptime_s),
          .key_is_binary = request.key_is_base64};
}

StoreOperands Executor::operands_of(const Request& request) {
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
      break;
    default:
      break;
  }
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
  const StoreOperands operands = operands_of(request);
  const StoreResult result = thread_.store(key, attributes_of(request), value, operands, now_);
  const bool is_append =
      operands.mode == StoreMode::kAppend || operands.mode == StoreMode::kPrepend;
  const bool failed =
      result.status == StoreStatus::kTooLarge || result.status == StoreStatus::kNoMemory;
  // A sum that is too large is no failure of this item; see answer_store.
  if (failed && !is_append) {
    refuse_store(reply, result.status, key, out);
  } else {
    answer_store(reply, result, out);
  }
}

bool Executor::start_store(const Request& request, const HashedKey& key, PendingStore& pending,
                           net::WriteBuffer& out) {
  const StoreReply reply = reply_of(request);
  const std::size_t bytes = request.value_bytes;
  const bool may_fit = bytes <= store_.options().item_bytes_max;  // if not, reserve counts it
  if (may_fit && !budget_.take_reserved(bytes)) {
    uploads_refused_.add();
    refuse_store(reply, StoreStatus::kNoMemory, key, out);
    return false;
  }
  pending.reservation = thread_.reserve(key, attributes_of(request), bytes, now_);
  if (!pending.reservation) {
    if (may_fit) budget_.give_reserved(bytes);
    const bool too_large = pending.reservation.status() == ReserveStatus::kTooLarge;
    refuse_store(reply, too_large ? StoreStatus::kTooLarge : StoreStatus::kNoMemory, key, out);
    return false;
  }
  pending.reserved_bytes = bytes;
  pending.operands = operands_of(request);
  pending.command = request.command;
  pending.quiet = request.quiet;
  if (is_meta(request.command)) {
    pending.key_is_base64 = request.key_is_base64;
    pending.key_bytes = static_cast<std::uint8_t>(request.key().size());
    std::memcpy(pending.key.data(), request.key().data(), request.key().size());
    pending.meta_flags = protocol::SavedMetaFlags(request.meta);
  }
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
  answer_store(reply, thread_.commit(std::move(pending.reservation), pending.operands, now_), out);
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
  if (is_meta(reply.command) || !reply.quiet) append_line(out, text);
}

// A value that can't be stored must not leave an older one to be read: memcached drops the item for
// `set`, and for ms in every mode.
void Executor::refuse_store(const StoreReply& reply, StoreStatus status, const HashedKey& key,
                            net::WriteBuffer& out) {
  if (reply.command == Command::kSet || reply.command == Command::kMetaSet) {
    thread_.discard(key, now_);
  }
  if (is_meta(reply.command)) meta_commands_.add();
  answer_store_error(reply,
                     status == StoreStatus::kTooLarge ? protocol::kErrorTooLarge
                                                      : protocol::kErrorOutOfMemoryStoring,
                     out);
}

// --- everything else ---------------------------------------------------------------------------

Executor::Next Executor::execute(const Request& request, const HashedKey& key,
                                 net::WriteBuffer& out) {
  switch (request.command) {
    case Command::kDelete:
      remove(request, key, out);
      break;
    case Command::kIncr:
    case Command::kDecr:
      arithmetic(request, key, out);
      break;
    case Command::kTouch:
      touch(request, key, out);
      break;
    case Command::kMetaGet:
      meta_get(request, key, out);
      break;
    case Command::kMetaDelete:
      meta_remove(request, key, out);
      break;
    case Command::kMetaArithmetic:
      meta_arithmetic(request, key, out);
      break;
    case Command::kMetaDebug:
      meta_debug(request, key, out);
      break;
    case Command::kMetaNoop:
      meta_commands_.add();
      out.append(protocol::kMetaNoop);
      break;
    case Command::kFlushAll:
      flush_all(request, out);
      break;
    case Command::kVerbosity:
      verbosity(request, out);
      break;
    case Command::kVersion:
      out.append("VERSION ");
      append_line(out, host_.version());
      break;
    case Command::kStats:
      stats(request, out);
      break;
    case Command::kQuit:
      return Next::kClose;
    default:  // reads and stores have calls of their own
      append_line(out, protocol::kErrorUnknownCommand);
      break;
  }
  return Next::kContinue;
}

void Executor::remove(const Request& request, const HashedKey& key, net::WriteBuffer& out) {
  const DeleteStatus status = thread_.remove(key, DeleteOperands{}, now_);
  if (request.quiet) return;
  out.append(status == DeleteStatus::kDeleted ? protocol::kDeleted : protocol::kNotFound);
}

void Executor::arithmetic(const Request& request, const HashedKey& key, net::WriteBuffer& out) {
  ArithmeticOperands operands;
  operands.decrement = request.command == Command::kDecr;
  operands.delta = request.delta;
  const ArithmeticResult result = thread_.arithmetic(key, operands, now_);
  if (request.quiet) return;
  switch (result.status) {
    case ArithmeticStatus::kOk:
      if (char* to = out.reserve(protocol::kNumberLineBytesMax)) {
        out.commit(static_cast<std::size_t>(protocol::write_number(to, result.value) - to));
      }
      break;
    case ArithmeticStatus::kNotNumeric:
      append_line(out, protocol::kErrorNonNumeric);
      break;
    case ArithmeticStatus::kNoMemory:
      append_line(out, protocol::kErrorOutOfMemory);
      break;
    case ArithmeticStatus::kNotFound:
    case ArithmeticStatus::kExists:  // only with compare, which incr and decr do not have
      out.append(protocol::kNotFound);
      break;
  }
}

void Executor::touch(const Request& request, const HashedKey& key, net::WriteBuffer& out) {
  const bool found = thread_.touch(key, expiry(request.exptime_s), now_);
  if (!request.quiet) out.append(found ? protocol::kTouched : protocol::kNotFound);
}

void Executor::flush_all(const Request& request, net::WriteBuffer& out) {
  Seconds at = now_;
  if (request.has_exptime && request.exptime_s > 0) {
    at = std::max(now_, expiry(request.exptime_s));
  }
  thread_.flush_all(at, now_);
  if (!request.quiet) out.append(protocol::kOk);
}

void Executor::verbosity(const Request& request, net::WriteBuffer& out) {
  outside_batch([&] { host_.set_verbosity(request.delta); });
  if (!request.quiet) out.append(protocol::kOk);
}

void Executor::stats(const Request& request, net::WriteBuffer& out) {
  struct Row {
    std::string_view name;
    StatsKind kind;
  };
  static constexpr std::array kRows{
      Row{"settings", StatsKind::kSettings}, Row{"items", StatsKind::kItems},
      Row{"slabs", StatsKind::kSlabs}, Row{"conns", StatsKind::kConns},
      Row{"sizes", StatsKind::kSizes}};

  const auto args = request.args();
  StatsKind kind = StatsKind::kGeneral;
  if (!args.empty()) {
    if (args[0] == "reset") {
      outside_batch([&] { host_.reset_stats(); });
      out.append(protocol::kReset);
      return;
    }
    if (args[0] == "cachedump") {
      append_line(out, "CLIENT_ERROR stats cachedump not allowed");
      return;
    }
    if (args[0] == "detail") {
      stats_detail(args.size() > 1 ? args[1] : "", out);
      return;
    }
    const auto* row = std::find_if(kRows.begin(), kRows.end(),
                                   [&](const Row& each) { return each.name == args[0]; });
    if (row == kRows.end()) {
      append_line(out, protocol::kErrorUnknownCommand);
      return;
    }
    kind = row->kind;
  }
  std::string text;
  outside_batch([&] { host_.append_stats(kind, now_, text); });
  out.append(text);
  out.append(protocol::kEnd);
}

// Counts by key prefix, which the node does not keep: they are off, and empty.
void Executor::stats_detail(std::string_view word, net::WriteBuffer& out) {
  if (word == "off") {
    out.append(protocol::kOk);
  } else if (word == "dump") {
    out.append(protocol::kEnd);
  } else if (word == "on") {
    append_line(out, "CLIENT_ERROR stats detail is not supported");
  } else {
    append_line(out, protocol::kErrorStatsDetailUsage);
  }
}

void Executor::refuse(const Request& request, net::WriteBuffer& out) {
  if (!request.error.empty() && !request.quiet) append_line(out, request.error);
}

}  // namespace ringcache::store
