// The command lines that a worker sends to nodes, written into its scratch space: each is dead when
// the next is written. Its worker's thread only.
#pragma once

#include <cstddef>
#include <string_view>

#include "protocol/command.h"
#include "protocol/request.h"
#include "proxy/multiget.h"
#include "proxy/proxy_worker.h"

namespace ringcache::proxy {

// With CRLF; the data block, if any, is to follow. Not for parts of a multiget.
std::string_view request_line(ProxyWorker& worker, const protocol::Request& request);
// Of a multiget, with the keys of one part.
std::string_view part_line(ProxyWorker& worker, const protocol::Request& request,
                           const MultigetSplit::Part& part);
// Bytes that a part's line may have: memcached streams a line of any length for get and gets, and
// for no other command.
std::size_t multiget_line_max(protocol::Command command);

// Sends it, or tells `entry.pending` that this part failed, and is done.
void send_or_fail(Upstream& upstream, InFlight& entry, std::string_view line, net::SteadyNs now,
                  const DataBlock& data = {});

}  // namespace ringcache::proxy
