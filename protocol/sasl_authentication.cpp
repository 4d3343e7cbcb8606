#include "protocol/sasl_authentication.h"

#include <algorithm>
#include <cstdint>

#include "protocol/big_endian.h"

namespace ringcache::protocol {

namespace {

constexpr std::uint8_t kListMechanisms = 0x20;
constexpr std::uint8_t kAuth = 0x21;
constexpr std::string_view kPlain = "PLAIN";
constexpr std::string_view kAuthenticated = "Authenticated";

// The parts of a PLAIN message; false: it is none.
bool split_plain(std::string_view message, SaslClaim& claim) {
  const std::size_t first = message.find('\0');
  if (first == std::string_view::npos) return false;
  const std::string_view rest = message.substr(first + 1);
  const std::size_t second = rest.find('\0');
  if (second == std::string_view::npos) return false;
  claim.name = rest.substr(0, second);
  claim.password = rest.substr(second + 1);
  return !claim.name.empty() && !claim.password.empty();
}

}  // namespace

SaslClaim read_sasl_claim(std::string_view bytes) {
  SaslClaim claim;
  const auto is = [&claim](AuthVerdict verdict, std::size_t consumed) {
    claim.step.verdict = verdict;
    claim.step.consumed_bytes = consumed;
    return claim;
  };
  if (bytes.empty()) return claim;
  if (static_cast<unsigned char>(bytes[0]) != kBinaryRequestMagic) {
    return is(AuthVerdict::kClose, bytes.size());
  }
  if (bytes.size() < kBinaryHeaderBytes) return claim;
  const std::size_t key_bytes = read_u16(bytes.data() + 2);
  const std::size_t extras_bytes = static_cast<unsigned char>(bytes[4]);
  const std::uint64_t body_bytes = read_u32(bytes.data() + 8);
  claim.packet.opcode = static_cast<unsigned char>(bytes[1]);
  claim.packet.opaque = read_u32(bytes.data() + 12);
  if (key_bytes + extras_bytes > body_bytes) return is(AuthVerdict::kClose, bytes.size());
  if (claim.packet.opcode != kAuth) {
    claim.lists = claim.packet.opcode == kListMechanisms;
    claim.step.swallow_bytes = body_bytes;
    return is(AuthVerdict::kMalformed, kBinaryHeaderBytes);
  }
  if (body_bytes > kAuthTokenBytesMax) return is(AuthVerdict::kClose, bytes.size());
  const std::size_t whole = kBinaryHeaderBytes + static_cast<std::size_t>(body_bytes);
  if (bytes.size() < whole) return claim;
  const std::string_view body = bytes.substr(kBinaryHeaderBytes, whole - kBinaryHeaderBytes);
  const std::string_view key = body.substr(extras_bytes, key_bytes);
  const bool good = key == kPlain && split_plain(body.substr(extras_bytes + key_bytes), claim);
  return is(good ? AuthVerdict::kGranted : AuthVerdict::kMalformed, whole);
}

void answer_sasl(const SaslClaim& claim, bool granted, SaslStep& out) {
  out.step = claim.step;
  if (claim.step.verdict == AuthVerdict::kNeedMore) return;
  if (claim.step.verdict == AuthVerdict::kGranted && !granted) {
    out.step.verdict = AuthVerdict::kWrong;
  }
  char* const at = out.answer.data();
  char* end = nullptr;
  if (claim.lists) {
    end = write_binary_text(at, claim.packet, BinaryStatus::kSuccess, kPlain);
  } else if (out.step.verdict == AuthVerdict::kGranted) {
    end = write_binary_text(at, claim.packet, BinaryStatus::kSuccess, kAuthenticated);
  } else {
    end = write_binary_status(at, claim.packet, BinaryStatus::kAuthError);
  }
  out.step.answer = {at, static_cast<std::size_t>(end - at)};
}

}  // namespace ringcache::protocol
