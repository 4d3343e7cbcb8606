// What the executor asks of the program around it: the commands that are about the process and not
// about items. Implemented by Node; tests have their own.
//
// Called on the worker that executes the command, outside of any batch of the store, so an
// implementation may take locks. May be slow: these commands are rare.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/executor_dump.h"
#include "store/expiry.h"
#include "store/prefix_counts.h"
#include "store/sweep_control.h"

namespace ringcache::store {

// `stats` and the sets that memcached has beside it.
enum class StatsKind : std::uint8_t { kGeneral, kSettings, kItems, kSlabs, kConns };

class ExecutorHost {
 public:
  virtual ~ExecutorHost() = default;

  // The STAT lines of `kind`, without END, appended to `out`.
  virtual void append_stats(StatsKind kind, Seconds now, std::string& out) = 0;
  // `stats reset`.
  virtual void reset_stats() = 0;
  // `verbosity`.
  virtual void set_verbosity(std::uint64_t level) = 0;
  // `lru_crawler`.
  virtual SweepControl& sweep() = 0;
  virtual DumpControl& dumps() = 0;
  // `stats detail`.
  virtual PrefixCounts& prefix_counts() = 0;
  // `shutdown`: begins to end the process, as SIGTERM does.
  virtual void shut_down() = 0;
  // What `version` answers after "VERSION ".
  virtual std::string_view version() const = 0;
};

}  // namespace ringcache::store
