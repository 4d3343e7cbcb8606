// The meta commands. protocol.txt, "Meta Get" to "Meta Debug".
#include <cstring>
#include <utility>

#include "store/executor.h"

namespace ringcache::store {

using protocol::Command;
using protocol::MetaItemFacts;
using protocol::Request;
using protocol::ResponseStatus;

namespace {

// Whether flag `first` stood before flag `second` on the line; both must be there.
bool stood_before(const protocol::MetaFlags& flags, char first, char second) {
  if (!flags.has(first) || !flags.has(second)) return false;
  const std::string_view letters = flags.letters();
  return letters.find(first) < letters.find(second);
}

void append_meta(net::WriteBuffer& out, Command command, ResponseStatus status,
                 protocol::MetaReplyFlags flags, const MetaItemFacts& facts) {
  if (char* to = out.reserve(protocol::kMetaLineBytesMax)) {
    out.commit(
        static_cast<std::size_t>(protocol::write_meta(to, command, status, flags, facts) - to));
  }
}

// The answer when only key and opaque can be returned.
void append_plain(net::WriteBuffer& out, const Request& request, ResponseStatus status) {
  if (request.quiet && protocol::quiet_suppresses(request.command, status)) return;
  MetaItemFacts facts;
  facts.key = request.key();
  facts.key_is_base64 = request.key_is_base64;
  append_meta(out, request.command, status, request.meta.reply_flags(), facts);
}

}  // namespace

Seconds Executor::expiry_after(const protocol::MetaFlags& flags, std::size_t count, Seconds before,
                               bool created) const {
  Seconds at = before;
  for (const char letter : flags.letters().substr(0, count)) {
    if (letter == 'T') at = expiry(flags.ttl_s);
    if (letter == 'N' && created) at = expiry(flags.vivify_ttl_s);
  }
  return at;
}

std::int64_t Executor::ttl_asked(const protocol::MetaFlags& flags, Seconds before,
                                 bool created) const {
  if (!flags.has('t')) return -1;
  return seconds_left(expiry_after(flags, flags.letters().find('t'), before, created), now_);
}

void Executor::meta_get(const Request& request, const HashedKey& key, net::WriteBuffer& out) {
  meta_commands_.add();
  const protocol::MetaFlags& flags = request.meta;
  MetaGetOptions options;
  options.no_bump = flags.has('u');
  options.touch = flags.has('T');
  if (options.touch) options.touch_expiry = expiry(flags.ttl_s);
  options.vivify = flags.has('N');
  if (options.vivify) options.vivify_expiry = expiry_after(flags, flags.count, kNever, true);
  options.vivify_key_is_binary = request.key_is_base64;
  options.vivify_cas = flags.has('E') ? flags.explicit_cas : 0;
  if (flags.has('R')) {
    // The token is an exptime: an absolute one, or one of 0, means what it means elsewhere.
    const Seconds at = expiry(flags.recache_ttl_s);
    options.recache = true;
    options.recache_below = at > now_ ? at - now_ : 0;
    options.recache_before_touch = stood_before(flags, 'R', 'T');
  }
  const MetaGetResult result = thread_.meta_get(key, options, now_);
  count_get(key.bytes, static_cast<bool>(result.item) && !result.created);
  if (!result.item) {
    append_plain(out, request, ResponseStatus::kMetaMiss);
    return;
  }

  MetaItemFacts facts;
  facts.key = result.item.key();
  facts.key_is_base64 = result.item.key_is_binary();
  facts.value_bytes = result.item.value_bytes();
  facts.client_flags = result.item.client_flags();
  facts.cas_unique = shown_cas(result.item.cas());
  facts.ttl_s = ttl_asked(flags, result.expiry_before, result.created);
  facts.last_access_s = static_cast<std::int64_t>(now_) - result.last_access;
  facts.fetched = result.was_fetched;
  facts.won = result.won;
  facts.stale = result.stale;
  facts.win_sent = result.token_sent;
  const bool with_value = flags.has('v');
  ValueClaim claim;
  if (with_value && !(claim = pins_.claim(thread_, result.item))) return refuse_read(out);
  append_meta(out, request.command,
              with_value ? ResponseStatus::kMetaValue : ResponseStatus::kMetaHit,
              flags.reply_flags(), facts);
  if (with_value) {
    pins_.append_value(std::move(claim), result.item, out);
    out.append(protocol::kCrlf);
  }
}

void Executor::answer_meta_store(const StoreReply& reply, const StoreResult& result,
                                 net::WriteBuffer& out) {
  meta_commands_.add();
  ResponseStatus status = ResponseStatus::kMetaHit;
  switch (result.status) {
    case StoreStatus::kStored:
      break;
    case StoreStatus::kExists:
      status = ResponseStatus::kMetaExists;
      break;
    case StoreStatus::kNotFound:
      status = ResponseStatus::kMetaNotFound;
      break;
    case StoreStatus::kNotStored:
    case StoreStatus::kTooLarge:  // as in answer_store
    case StoreStatus::kNoMemory:
      status = ResponseStatus::kMetaNotStored;
      break;
  }
  if (reply.quiet && protocol::quiet_suppresses(reply.command, status)) return;
  MetaItemFacts facts;
  facts.key = reply.key;
  facts.key_is_base64 = reply.key_is_base64;
  facts.cas_unique = shown_cas(result.cas);
  append_meta(out, reply.command, status, reply.meta_flags, facts);
}

void Executor::meta_remove(const Request& request, const HashedKey& key, net::WriteBuffer& out) {
  meta_commands_.add();
  const protocol::MetaFlags& flags = request.meta;
  count_prefix(key.bytes, PrefixCounts::Event::kDelete);
  DeleteOperands operands;
  operands.compare = compares_cas(flags);
  operands.compare_cas = rules_.cas ? flags.compare_cas : kCasOfNoItem;
  operands.invalidate = flags.has('I');
  operands.touch = flags.has('T');
  if (operands.touch) operands.touch_expiry = expiry(flags.ttl_s);
  operands.remove_value = flags.has('x');
  operands.client_flags = flags.client_flags;
  operands.cas = flags.has('E') ? flags.explicit_cas : 0;
  const DeleteResult result = thread_.remove(key, operands, now_);
  if (is_watched(kWatchDeletions)) watch_deletion(key, result, true);
  switch (result.status) {
    case DeleteStatus::kDeleted:
      append_plain(out, request, ResponseStatus::kMetaHit);
      break;
    case DeleteStatus::kNotFound:
      append_plain(out, request, ResponseStatus::kMetaNotFound);
      break;
    case DeleteStatus::kExists:
      append_plain(out, request, ResponseStatus::kMetaExists);
      break;
    case DeleteStatus::kNoMemory:
      write_line(out, protocol::kErrorOutOfMemory);
      break;
  }
}

void Executor::meta_arithmetic(const Request& request, const HashedKey& key,
                               net::WriteBuffer& out) {
  meta_commands_.add();
  const protocol::MetaFlags& flags = request.meta;
  ArithmeticOperands operands;
  operands.decrement = flags.mode == 'D' || flags.mode == 'd' || flags.mode == '-';
  operands.delta = flags.delta;
  operands.compare = compares_cas(flags);
  operands.compare_cas = rules_.cas ? flags.compare_cas : kCasOfNoItem;
  operands.vivify = flags.has('N');
  if (operands.vivify) operands.vivify_expiry = expiry_after(flags, flags.count, kNever, true);
  operands.initial = flags.initial;
  operands.touch = flags.has('T');
  if (operands.touch) operands.touch_expiry = expiry(flags.ttl_s);
  operands.cas = flags.has('E') ? flags.explicit_cas : 0;
  operands.key_is_binary = request.key_is_base64;

  const ArithmeticResult result = thread_.arithmetic(key, operands, now_);
  switch (result.status) {
    case ArithmeticStatus::kOk:
      if (result.created && is_watched(kWatchMutations)) [[unlikely]]
        watch_created(key);
      break;
    case ArithmeticStatus::kNotFound:
      append_plain(out, request, ResponseStatus::kMetaNotFound);
      return;
    case ArithmeticStatus::kExists:
      append_plain(out, request, ResponseStatus::kMetaExists);
      return;
    case ArithmeticStatus::kNotNumeric:
      write_line(out, protocol::kErrorNonNumeric);
      return;
    case ArithmeticStatus::kNoMemory:
      write_line(out, protocol::kErrorOutOfMemory);
      return;
  }
  const bool with_value = flags.has('v');
  const ResponseStatus status = with_value ? ResponseStatus::kMetaValue : ResponseStatus::kMetaHit;
  if (request.quiet && protocol::quiet_suppresses(request.command, status)) return;
  std::array<char, protocol::kNumberLineBytesMax> number;
  const char* number_end = protocol::write_number(number.data(), result.value);
  const auto number_line_bytes = static_cast<std::size_t>(number_end - number.data());
  MetaItemFacts facts;
  facts.key = request.key();
  facts.key_is_base64 = request.key_is_base64;
  facts.value_bytes = number_line_bytes - 2;
  facts.cas_unique = shown_cas(result.cas);
  facts.ttl_s = ttl_asked(flags, result.expiry_before, result.created);
  append_meta(out, request.command, status, flags.reply_flags(), facts);
  if (with_value) out.append({number.data(), number_line_bytes});
}

void Executor::meta_debug(const Request& request, const HashedKey& key, net::WriteBuffer& out) {
  meta_commands_.add();
  const std::optional<ItemDebug> item = thread_.debug(key, now_);
  if (!item) {
    out.append(protocol::kMetaMiss);
    return;
  }
  protocol::MetaDebugFacts facts;
  facts.key = request.key();
  facts.key_is_base64 = item->key_is_binary;
  facts.ttl_s = seconds_left(item->expiry, now_);
  facts.last_access_s = static_cast<std::int64_t>(now_) - item->last_access;
  facts.cas_unique = shown_cas(item->cas);
  facts.fetched = item->fetched;
  facts.slab_class = item->slab_class;
  facts.item_bytes = item->size_bytes;
  if (char* to = out.reserve(protocol::kMetaLineBytesMax)) {
    out.commit(static_cast<std::size_t>(protocol::write_meta_debug(to, facts) - to));
  }
}

}  // namespace ringcache::store
