#include "store/executor.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

namespace ringcache::store {

using protocol::Command;
using protocol::Request;

namespace {

// Keys looked up together: their table lines, then their items, are on their way at the same time.
constexpr std::size_t kKeysTogether = 16;

constexpr std::string_view kErrorFlushAllNotAllowed = "CLIENT_ERROR flush_all not allowed";

}  // namespace

void Executor::write_line(net::WriteBuffer& out, std::string_view text) {
  if (char* to = out.reserve(protocol::line_bytes_max(text))) {
    out.commit(static_cast<std::size_t>(protocol::write_line(to, text) - to));
  }
}

Executor::Executor(Store& store, ExecutorHost& host, ValueBudget& budget, std::int64_t unix_offset)
    : store_(store),
      host_(host),
      budget_(budget),
      unix_offset_(unix_offset),
      thread_(store.thread()),
      pins_(budget) {}

void Executor::begin_turn(Seconds now, int client_fd) {
  now_ = now;
  client_fd_ = client_fd;
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
  const bool watched = is_watched(kWatchFetchers);
  const bool detailed = counts_prefixes();
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
      if (watched) [[unlikely]]
        watch_fetch(together[i]);
      const ItemView item = touches ? thread_.get_and_touch(together[i], touch_expiry, now_)
                                    : thread_.get(together[i], now_);
      if (detailed) [[unlikely]]
        count_get(together[i].bytes, static_cast<bool>(item));
      if (item && !write_value(item, with_cas, out)) {
        refuse_read(out);
        return kRefused;
      }
      ++answered;
    }
  }
  if (!request.more_keys) out.append(protocol::kEnd);
  return answered;
}

// False: no memory for the value, and nothing of it is written.
bool Executor::write_value(const ItemView& item, bool with_cas, net::WriteBuffer& out) {
  const std::string_view key = item.key();
  const std::size_t value_bytes = item.value_bytes();
  const std::size_t header_max = protocol::value_header_bytes_max(key);
  const bool small =
      item.is_one_piece() && header_max + value_bytes + 2 <= net::WriteBuffer::kReserveMax;
  ValueClaim claim;
  if (!small && !(claim = pins_.claim(thread_, item))) return false;
  char* const start = out.reserve(small ? header_max + value_bytes + 2 : header_max);
  if (start == nullptr) {
    pins_.give_up(std::move(claim));
    return true;  // the connection sees that its output failed
  }
  char* end = with_cas ? protocol::write_value_header(start, key, item.client_flags(), value_bytes,
                                                      shown_cas(item.cas()))
                       : protocol::write_value_header(start, key, item.client_flags(), value_bytes);
  if (small) {
    std::memcpy(end, item.value().data(), value_bytes);
    end += value_bytes;
    end += protocol::kCrlf.copy(end, protocol::kCrlf.size());
  }
  out.commit(static_cast<std::size_t>(end - start));
  if (!small) {
    pins_.append_value(std::move(claim), item, out);
    out.append(protocol::kCrlf);
  }
  return true;
}

void Executor::refuse_read(net::WriteBuffer& out) {
  reads_refused_.add();
  write_line(out, protocol::kErrorOutOfMemoryReading);
}

// --- everything else ---------------------------------------------------------------------------

Executor::Next Executor::execute(const Request& request, const HashedKey& key,
                                 net::WriteBuffer& out) {
  if (is_watched(kWatchFetchers)) [[unlikely]]
    watch_request(request, key);
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
      write_line(out, host_.version());
      break;
    case Command::kLru:
    case Command::kSlabs:
    case Command::kCacheMemlimit:
      administer(request, out);
      break;
    case Command::kShutdown:
      return shut_down(request, out);
    case Command::kLruCrawler:
      return crawler(request, out);
    case Command::kStats:
      return stats(request, out);
    case Command::kQuit:
      return Next::kClose;
    case Command::kWatch:
      return Next::kWatch;
    default:  // reads, stores and refresh_certs have calls of their own
      write_line(out, protocol::kErrorUnknownCommand);
      break;
  }
  return Next::kContinue;
}

void Executor::remove(const Request& request, const HashedKey& key, net::WriteBuffer& out) {
  count_prefix(key.bytes, PrefixCounts::Event::kDelete);
  const DeleteResult result = thread_.remove(key, DeleteOperands{}, now_);
  if (is_watched(kWatchDeletions)) watch_deletion(key, result, false);
  if (request.quiet) return;
  out.append(result.status == DeleteStatus::kDeleted ? protocol::kDeleted : protocol::kNotFound);
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
      write_line(out, protocol::kErrorNonNumeric);
      break;
    case ArithmeticStatus::kNoMemory:
      write_line(out, protocol::kErrorOutOfMemory);
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
  if (!rules_.flush_all) {
    if (!request.quiet) write_line(out, kErrorFlushAllNotAllowed);
    return;
  }
  flush_after(request.has_exptime ? request.exptime_s : 0);
  if (!request.quiet) out.append(protocol::kOk);
}

void Executor::flush_after(std::int64_t delay_s) {
  Seconds at = delay_s > 0 ? expiry(delay_s) : now_;
  // A time that the clock never reaches must not flush now: it takes the place of an earlier delay.
  if (at == kNever) at = std::numeric_limits<Seconds>::max();
  thread_.flush_all(std::max(at, now_), now_);
}

void Executor::verbosity(const Request& request, net::WriteBuffer& out) {
  outside_batch([&] { host_.set_verbosity(request.delta); });
  if (!request.quiet) out.append(protocol::kOk);
}

void Executor::refuse(const Request& request, net::WriteBuffer& out) {
  if (request.error.empty() || request.quiet) return;
  const bool not_allowed = request.command == Command::kFlushAll && !rules_.flush_all;
  write_line(out, not_allowed ? kErrorFlushAllNotAllowed : request.error);
}

}  // namespace ringcache::store
