// memcached's text authentication: where it is asked for (-Y), a connection's first command must be
//
//   set <any key> <flags> <exptime> <bytes>\r\n
//   <name> <password>\r\n
//
// A function of the bytes that are there: nothing is kept between two calls, so a client that has
// not said who it is holds no memory but its unread input, a line and a token at most.
//
// What is taken and what is answered is memcached 1.6.18's (doc/protocol.txt, "Authentication"),
// with three exceptions: each command of a pipeline has its answer (memcached drops all but the
// last), the data block of another command is no line of its own, and a token longer than
// kAuthTokenBytesMax is an error and a close.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringcache::protocol {

// A line without an end after this many bytes closes the connection, as in memcached.
inline constexpr std::size_t kAuthLineBytesMax = 2048;
// `<name> <password>`; memcached takes what fits into its 16 KiB of input.
inline constexpr std::size_t kAuthTokenBytesMax = 2048;

enum class AuthVerdict : std::uint8_t {
  kNeedMore,  // the command is not there whole
  kGranted,
  kWrong,      // name and password were checked, and are not in the file
  kMalformed,  // not such a command; the next one may be
  kClose,      // the same, and too long to wait for its end
};

struct AuthStep {
  AuthVerdict verdict = AuthVerdict::kNeedMore;
  std::size_t consumed_bytes = 0;
  std::string_view answer;          // with CRLF; may be empty
  std::uint64_t swallow_bytes = 0;  // behind what was consumed: the data block of another command
};

// What the command at the front of `bytes` says: kGranted if it has a name and a password, which
// nobody has looked up.
struct AuthClaim {
  AuthStep step;
  std::string_view name;
  std::string_view password;
};
AuthClaim read_auth_claim(std::string_view bytes);
// The step for a claim that is not true.
AuthStep refuse(const AuthClaim& claim);

// Looks at the command at the front of `bytes`. `credentials`: has match(name, password).
template <typename Credentials>
AuthStep authenticate(std::string_view bytes, const Credentials& credentials) {
  const AuthClaim claim = read_auth_claim(bytes);
  if (claim.step.verdict != AuthVerdict::kGranted) return claim.step;
  return credentials.match(claim.name, claim.password) ? claim.step : refuse(claim);
}

}  // namespace ringcache::protocol
