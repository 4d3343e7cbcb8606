// MultigetSplit: the keys of one multiget, sorted by the connection they go to.
//
// Scratch space of a worker, reused for every multiget, so that splitting allocates nothing once
// the largest has been seen. Views point into the client's read buffer; used up within one request.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "proxy/upstream.h"

namespace ringcache::proxy {

class MultigetSplit {
 public:
  struct Part {
    Upstream* upstream = nullptr;
    PoolCounters* pool = nullptr;
    std::vector<std::string_view> keys;
    std::size_t line_bytes = 0;  // of the command line that these keys make
  };

  // `line_bytes_max`: a part's keys are cut into several parts so that no command line is longer.
  void begin(std::size_t line_bytes_max);
  void add(Upstream& upstream, PoolCounters& pool, std::string_view key);
  // Ends the split; the parts stay until begin().
  std::vector<Part>::iterator parts_begin() { return parts_.begin(); }
  std::vector<Part>::iterator parts_end() {
    return parts_.begin() + static_cast<std::ptrdiff_t>(used_);
  }
  std::size_t part_count() const { return used_; }
  // REQUIRED after the last add(): forgets which upstream has which part.
  void end();

 private:
  std::vector<Part> parts_;  // the first `used_` are of this request
  std::size_t used_ = 0;
  std::size_t line_bytes_max_ = 0;
};

}  // namespace ringcache::proxy
