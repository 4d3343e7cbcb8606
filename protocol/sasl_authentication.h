// SASL PLAIN over the binary protocol, for servers whose passwords are those of authentication.h:
// the first packet that is heard is
//
//   opcode 0x21 (sasl auth), key "PLAIN", value "[<authorisation id>] NUL <name> NUL <password>"
//
// beside 0x20 (sasl list mechanisms), which is answered with "PLAIN". Everything else, 0x22 (sasl
// step) too, is answered 0x0020 "Auth failure.", and dropped.
//
// A function of the bytes that are there, as authenticate() is. The authorisation id is not looked
// at: there is nothing that one name may do and another not.
//
// Source: memcached doc/protocol-binary.txt and its binary SASL commands; RFC 4616.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "protocol/authentication.h"
#include "protocol/binary_response_writer.h"

namespace ringcache::protocol {

struct SaslStep {
  AuthStep step;  // whose answer points into `answer`
  std::array<char, kBinaryStatusBytesMax> answer;
};

struct SaslClaim {
  BinaryAnswer packet;
  AuthStep step;  // without an answer
  bool lists = false;
  std::string_view name;
  std::string_view password;
};
SaslClaim read_sasl_claim(std::string_view bytes);
// `granted`: the claim, if it is one, is true.
void answer_sasl(const SaslClaim& claim, bool granted, SaslStep& out);

// Looks at the packet at the front of `bytes`. `credentials`: has match(name, password).
template <typename Credentials>
void authenticate_packet(std::string_view bytes, const Credentials& credentials, SaslStep& out) {
  const SaslClaim claim = read_sasl_claim(bytes);
  const bool is_claim = claim.step.verdict == AuthVerdict::kGranted;
  answer_sasl(claim, is_claim && credentials.match(claim.name, claim.password), out);
}

}  // namespace ringcache::protocol
