#pragma once

// Writes requests as bytes, text or meta protocol. Each function writes at `out` and returns the
// end; the caller has seen to it that get_bytes_max() or set_bytes_max() fit. No state.

#include <cstddef>
#include <cstdint>
#include <span>

#include "tests/bench/workload.h"

namespace ringcache::bench {

class RequestEncoder {
 public:
  explicit RequestEncoder(const Workload& workload) : workload_(workload) {}

  /// "get k1 k2 ...", or "mg k1 ..." for one key, or a quiet mg each and a closing mn.
  char* get(char* out, std::span<const std::uint32_t> indices) const;

  /// The value is write_value(index, version), as long as the workload says.
  char* set(char* out, std::uint32_t index, std::uint32_t version, bool noreply) const;

  /// A request whose answer shows that everything before it has been read.
  static char* barrier(char* out);

  std::size_t get_bytes_max() const;
  std::size_t set_bytes_max() const;

 private:
  char* text_set_line(char* out, std::uint32_t index, std::size_t bytes, bool noreply) const;
  char* meta_set_line(char* out, std::uint32_t index, std::size_t bytes, bool noreply) const;

  const Workload& workload_;
};

}  // namespace ringcache::bench
