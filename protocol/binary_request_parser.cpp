#include "protocol/binary_request_parser.h"

#include <array>
#include <optional>

#include "protocol/big_endian.h"
#include "protocol/limits.h"

namespace ringcache::protocol {

namespace {

enum class Key : std::uint8_t { kNone, kOne, kAny };

// What packets with an opcode look like.
struct Form {
  BinaryCommand command = BinaryCommand::kNoop;
  Key key = Key::kNone;
  std::uint8_t extras_bytes = 0;
  bool extras_optional = false;
  bool has_value = false;
  bool quiet = false;
  bool returns_key = false;
  bool touches = false;
};

struct Row {
  std::uint8_t opcode;
  Form form;
};

constexpr Form get_form(bool quiet, bool returns_key) {
  return {
      .command = BinaryCommand::kGet, .key = Key::kOne, .quiet = quiet, .returns_key = returns_key};
}
constexpr Form gat_form(bool quiet, bool returns_key) {
  Form form = get_form(quiet, returns_key);
  form.extras_bytes = 4;
  form.touches = true;
  return form;
}
constexpr Form store_form(BinaryCommand command, bool quiet) {
  const bool concatenates = command == BinaryCommand::kAppend || command == BinaryCommand::kPrepend;
  return {.command = command,
          .key = Key::kOne,
          .extras_bytes = static_cast<std::uint8_t>(concatenates ? 0 : 8),
          .has_value = true,
          .quiet = quiet};
}
constexpr Form number_form(BinaryCommand command, bool quiet) {
  return {.command = command, .key = Key::kOne, .extras_bytes = 20, .quiet = quiet};
}
constexpr Form flush_form(bool quiet) {
  return {
      .command = BinaryCommand::kFlush, .extras_bytes = 4, .extras_optional = true, .quiet = quiet};
}

constexpr std::array kRows{
    Row{0x00, get_form(false, false)},
    Row{0x01, store_form(BinaryCommand::kSet, false)},
    Row{0x02, store_form(BinaryCommand::kAdd, false)},
    Row{0x03, store_form(BinaryCommand::kReplace, false)},
    Row{0x04, {.command = BinaryCommand::kDelete, .key = Key::kOne}},
    Row{0x05, number_form(BinaryCommand::kIncrement, false)},
    Row{0x06, number_form(BinaryCommand::kDecrement, false)},
    Row{0x07, {.command = BinaryCommand::kQuit}},
    Row{0x08, flush_form(false)},
    Row{0x09, get_form(true, false)},
    Row{0x0a, {.command = BinaryCommand::kNoop}},
    Row{0x0b, {.command = BinaryCommand::kVersion}},
    Row{0x0c, get_form(false, true)},
    Row{0x0d, get_form(true, true)},
    Row{0x0e, store_form(BinaryCommand::kAppend, false)},
    Row{0x0f, store_form(BinaryCommand::kPrepend, false)},
    Row{0x10, {.command = BinaryCommand::kStat, .key = Key::kAny}},
    Row{0x11, store_form(BinaryCommand::kSet, true)},
    Row{0x12, store_form(BinaryCommand::kAdd, true)},
    Row{0x13, store_form(BinaryCommand::kReplace, true)},
    Row{0x14, {.command = BinaryCommand::kDelete, .key = Key::kOne, .quiet = true}},
    Row{0x15, number_form(BinaryCommand::kIncrement, true)},
    Row{0x16, number_form(BinaryCommand::kDecrement, true)},
    Row{0x17, {.command = BinaryCommand::kQuit, .quiet = true}},
    Row{0x18, flush_form(true)},
    Row{0x19, store_form(BinaryCommand::kAppend, true)},
    Row{0x1a, store_form(BinaryCommand::kPrepend, true)},
    Row{0x1b, {.command = BinaryCommand::kVerbosity, .extras_bytes = 4}},
    Row{0x1c, {.command = BinaryCommand::kTouch, .key = Key::kOne, .extras_bytes = 4}},
    Row{0x1d, gat_form(false, false)},
    Row{0x1e, gat_form(true, false)},
    Row{0x23, gat_form(false, true)},
    Row{0x24, gat_form(true, true)},
};

constexpr std::size_t kOpcodesEnd = 0x25;
constexpr auto kForms = [] {
  std::array<std::optional<Form>, kOpcodesEnd> forms{};
  for (const Row& row : kRows) forms[row.opcode] = row.form;
  return forms;
}();

ParseResult refuse(BinaryRequest& request, BinaryStatus status) {
  request.status = status;
  request.close = true;
  return ParseResult::kInvalid;
}

bool has_form(const Form& form, std::size_t extras, std::size_t key, std::uint64_t value) {
  const bool good_extras = extras == form.extras_bytes || (extras == 0 && form.extras_optional);
  const bool good_key = form.key == Key::kAny || (key > 0) == (form.key == Key::kOne);
  const bool good_value = form.has_value ? value <= std::uint64_t{kValueBytesNameable} : value == 0;
  return good_extras && good_key && good_value;
}

void read_extras(std::string_view extras, BinaryRequest& request) {
  const char* const at = extras.data();
  switch (extras.size()) {
    case 4:
      if (request.answer.command == BinaryCommand::kVerbosity) {
        request.delta = read_u32(at);
      } else {
        request.exptime_s = read_u32(at);
      }
      break;
    case 8:
      request.client_flags = read_u32(at);
      request.exptime_s = read_u32(at + 4);
      break;
    case 20:
      request.delta = read_u64(at);
      request.initial = read_u64(at + 8);
      request.exptime_s = read_u32(at + 16);
      break;
    default:
      break;
  }
}

}  // namespace

bool BinaryRequest::has_value() const {
  return answer.command >= BinaryCommand::kSet && answer.command <= BinaryCommand::kPrepend;
}

ParseResult parse_binary_request(std::string_view bytes, BinaryRequest& request,
                                 std::size_t& consumed_bytes) {
  request = BinaryRequest{};
  consumed_bytes = 0;
  if (bytes.empty()) return ParseResult::kNeedMore;
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  if (byte(0) != kBinaryRequestMagic) return refuse(request, BinaryStatus::kSuccess);
  if (bytes.size() < kBinaryHeaderBytes) return ParseResult::kNeedMore;

  const std::size_t key_bytes = read_u16(bytes.data() + 2);
  const std::size_t extras_bytes = byte(4);
  const std::uint64_t body_bytes = read_u32(bytes.data() + 8);
  request.answer.opcode = byte(1);
  request.answer.opaque = read_u32(bytes.data() + 12);
  request.cas = read_u64(bytes.data() + 16);
  if (key_bytes + extras_bytes > body_bytes) return refuse(request, BinaryStatus::kUnknownCommand);
  if (key_bytes > kKeyBytesMax) return refuse(request, BinaryStatus::kInvalidArguments);
  if (byte(1) >= kOpcodesEnd || !kForms[byte(1)]) {
    consumed_bytes = kBinaryHeaderBytes;
    request.status = BinaryStatus::kUnknownCommand;
    request.swallow_bytes = body_bytes;
    return ParseResult::kInvalid;
  }
  const Form& form = *kForms[byte(1)];
  const std::uint64_t value_bytes = body_bytes - key_bytes - extras_bytes;
  request.answer.command = form.command;
  request.answer.quiet = form.quiet;
  request.answer.returns_key = form.returns_key;
  request.touches = form.touches;
  if (!has_form(form, extras_bytes, key_bytes, value_bytes)) {
    return refuse(request, BinaryStatus::kInvalidArguments);
  }
  const std::size_t packet_bytes = kBinaryHeaderBytes + extras_bytes + key_bytes;
  if (bytes.size() < packet_bytes) return ParseResult::kNeedMore;
  read_extras(bytes.substr(kBinaryHeaderBytes, extras_bytes), request);
  request.key = bytes.substr(kBinaryHeaderBytes + extras_bytes, key_bytes);
  request.value_bytes = static_cast<std::uint32_t>(value_bytes);
  consumed_bytes = packet_bytes;
  return ParseResult::kDone;
}

}  // namespace ringcache::protocol
