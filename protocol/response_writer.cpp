#include "protocol/response_writer.h"

#include "protocol/append.h"
#include "protocol/base64.h"
#include "protocol/number.h"

namespace ringcache::protocol {

namespace {

// VA and size, every flag with its longest argument, and CRLF.
static_assert(2 + 1 + kNumberTextBytesMax + (2 + kKeyBytesMax + 2) + (1 + kOpaqueTokenBytesMax) +
                  6 * (2 + kNumberTextBytesMax) + 3 * 2 + 2 <=
              kMetaLineBytesMax);
// A binary key is at most as long in base64 as it came; a longer one does not exist.
static_assert(base64_encoded_bytes(kBase64KeyDecodedBytesMax) <= kKeyBytesMax);
// "ME ", the key, five numbers with their names.
static_assert(3 + kKeyBytesMax + 5 * kNumberTextBytesMax + 48 <= kMetaLineBytesMax);

char* append_key(char* out, std::string_view key, bool is_base64) {
  return is_base64 ? base64_encode(out, key) : append(out, key);
}

char* append_flag(char* out, char letter) {
  return append(append(out, ' '), letter);
}

template <typename Number>
char* append_flag(char* out, char letter, Number number) {
  return format_number(append_flag(out, letter), number);
}

// The flags that the answer has, by command and status; see the table in the header.
std::string_view returned_flags(Command command, ResponseStatus status) {
  const bool hit = status == ResponseStatus::kMetaHit || status == ResponseStatus::kMetaValue;
  if (command == Command::kMetaSet) return "ckO";
  if (hit && command == Command::kMetaGet) return "cfhklOst";
  if (hit && command == Command::kMetaArithmetic) return "ckOt";
  return "kO";
}

std::string_view code(ResponseStatus status) {
  switch (status) {
    case ResponseStatus::kMetaHit:
      return "HD";
    case ResponseStatus::kMetaValue:
      return "VA";
    case ResponseStatus::kMetaNotFound:
      return "NF";
    case ResponseStatus::kMetaNotStored:
      return "NS";
    case ResponseStatus::kMetaExists:
      return "EX";
    default:
      return "EN";
  }
}

char* append_returned(char* out, char letter, std::string_view opaque, const MetaItemFacts& facts) {
  switch (letter) {
    case 'c':
      return append_flag(out, 'c', facts.cas_unique);
    case 'f':
      return append_flag(out, 'f', std::uint64_t{facts.client_flags});
    case 'h':
      return append_flag(out, 'h', std::uint64_t{facts.fetched});
    case 'l':
      return append_flag(out, 'l', facts.last_access_s);
    case 's':
      return append_flag(out, 's', std::uint64_t{facts.value_bytes});
    case 't':
      return append_flag(out, 't', facts.ttl_s);
    case 'O':
      return append(append_flag(out, 'O'), opaque);
    case 'k':
      out = append_key(append_flag(out, 'k'), facts.key, facts.key_is_base64);
      return facts.key_is_base64 ? append_flag(out, 'b') : out;
    default:
      return out;
  }
}

char* append_value_header(char* out, std::string_view key, std::uint32_t client_flags,
                          std::size_t value_bytes) {
  out = append(append(out, "VALUE "), key);
  out = format_number(append(out, ' '), std::uint64_t{client_flags});
  return format_number(append(out, ' '), std::uint64_t{value_bytes});
}

}  // namespace

char* write_line(char* out, std::string_view text) {
  return append(append(out, text), kCrlf);
}

char* write_value_header(char* out, std::string_view key, std::uint32_t client_flags,
                         std::size_t value_bytes) {
  return append(append_value_header(out, key, client_flags, value_bytes), kCrlf);
}

char* write_value_header(char* out, std::string_view key, std::uint32_t client_flags,
                         std::size_t value_bytes, std::uint64_t cas_unique) {
  out = append_value_header(out, key, client_flags, value_bytes);
  return append(format_number(append(out, ' '), cas_unique), kCrlf);
}

char* write_number(char* out, std::uint64_t number) {
  return append(format_number(out, number), kCrlf);
}

char* write_stat(char* out, std::string_view name, std::string_view value) {
  out = append(append(append(out, "STAT "), name), ' ');
  return append(append(out, value), kCrlf);
}

char* write_stat(char* out, std::string_view name, std::uint64_t value) {
  out = append(append(append(out, "STAT "), name), ' ');
  return append(format_number(out, value), kCrlf);
}

char* write_meta(char* out, Command command, ResponseStatus status, MetaReplyFlags flags,
                 const MetaItemFacts& facts) {
  out = append(out, code(status));
  if (status == ResponseStatus::kMetaValue) {
    out = format_number(append(out, ' '), std::uint64_t{facts.value_bytes});
  }
  const std::string_view returned = returned_flags(command, status);
  for (const char letter : flags.letters) {
    if (returned.find(letter) != std::string_view::npos) {
      out = append_returned(out, letter, flags.opaque, facts);
    }
  }
  if (command == Command::kMetaGet && status != ResponseStatus::kMetaMiss) {
    if (facts.win_sent) out = append_flag(out, 'Z');
    if (facts.stale) out = append_flag(out, 'X');
    if (facts.won) out = append_flag(out, 'W');
  }
  return append(out, kCrlf);
}

char* write_meta_debug(char* out, const MetaDebugFacts& facts) {
  out = append_key(append(out, "ME "), facts.key, facts.key_is_base64);
  out = format_number(append(out, " exp="), facts.ttl_s);
  out = format_number(append(out, " la="), facts.last_access_s);
  out = format_number(append(out, " cas="), facts.cas_unique);
  out = append(append(out, " fetch="), facts.fetched ? "yes" : "no");
  out = format_number(append(out, " cls="), std::uint64_t{facts.slab_class});
  return append(format_number(append(out, " size="), facts.item_bytes), kCrlf);
}

}  // namespace ringcache::protocol
