// Backend: one node as the configuration names it. A plain value; nothing here resolves or
// connects.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ringcache::routing {

inline constexpr std::uint16_t kDefaultPort = 11211;
// Weights above this are refused: the native ring cannot tell such shares apart any more.
inline constexpr std::uint32_t kWeightMax = 1'000'000;
// Longest path a UNIX socket address holds (sun_path less its final NUL).
inline constexpr std::size_t kUnixPathBytesMax = 107;

// A node's index in PoolOptions::backends; the same number in rings, plans and health trackers.
using NodeIndex = std::uint16_t;
inline constexpr NodeIndex kNoNode = 0xffff;

struct Backend {
  // The node's identity on the ring and in metrics, unique within its pool. Where the
  // configuration gives none it is the address in its full form: "10.0.0.1:11211",
  // "[fd00::1]:11211", "unix:/run/cache.sock". A named node can move to another address and keep
  // its keys.
  std::string name;
  // Whether the configuration gave the name. The compat rings need to know: libmemcached and
  // twemproxy place an unnamed node by a spelling of its address that is not our default name.
  bool named = false;
  std::string address;     // as written in the configuration
  std::string host;        // DNS name or IP address without brackets; empty for a UNIX socket
  std::uint16_t port = 0;  // 0 for a UNIX socket
  std::string unix_path;   // empty for TCP
  // Relative share of the keys, 1 to kWeightMax. Ignored by ketama-unweighted and
  // memcached-proxy, whose originals know no weights.
  std::uint32_t weight = 1;
  // Where it is: nodes of one zone are near each other, and may be lost together. Empty: not said.
  std::string zone;
  // A draining node owns no keys; what it holds is moved to the others.
  bool drain = false;

  bool is_unix() const { return !unix_path.empty(); }
};

struct BackendParse {
  Backend backend;    // meaningful when there is no error
  std::string error;  // empty when the address is good; else what is wrong, for the user
  bool ok() const { return error.empty(); }
};

// Reads "host:port", "host" (port 11211), "[v6]:port", "[v6]" or "unix:/path", and gives an
// unnamed backend of weight 1. Never throws; the error names the offending part.
BackendParse parse_backend(std::string_view address);

// Gives the backend a name of its own.
void set_name(Backend& backend, std::string_view name);

}  // namespace ringcache::routing
