// The listing `stats detail dump` (prefix_counts.h): "PREFIX <prefix> get <n> hit <n> set <n> del
// <n>\r\n" for each prefix, in the order in which the threads met them, then "END\r\n".
//
// It goes as listings of items do (executor_dump.h): piece by piece, at the pace of its reader. Who
// counts waits for the copying of one piece at most.
#pragma once

#include "store/executor_dump.h"
#include "store/prefix_counts.h"

namespace ringcache::store {

class PrefixDump final : public Dump {
 public:
  // Takes over what control.take() took. `counts` must outlive it.
  PrefixDump(const PrefixCounts& counts, DumpControl& control) : Dump(control), walk_(counts) {}

  bool write_piece(const Store& store, Seconds now, net::WriteBuffer& out) override;

 private:
  PrefixWalk walk_;
};

}  // namespace ringcache::store
