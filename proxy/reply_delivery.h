// From a node's reply, or its failure, to what the client gets and what is counted.
//
//   a node answers     its bytes are passed on as they came, but for the END of a part of a
//                      multiget (one END closes them all) and what quiet requests suppress
//   a node fails       reads (get gets gat gats mg): its keys are misses
//                      me: a miss;  writes: SERVER_ERROR that names the node and the cause
//   a node answers a   of a read that went to it alone: its line is passed on. As a part of a
//   read with an error multiget: its remaining keys are misses, never an error amid values
//
// Called by Upstream on its worker. Nothing here blocks or allocates but fan-outs and error texts.
#pragma once

#include <string_view>

#include "protocol/response.h"
#include "proxy/proxy_counters.h"
#include "proxy/upstream.h"

namespace ringcache::proxy {

// One element of the reply to `entry`, at the front of `in`: a large one is moved out of it (what
// is left there is the caller's to consume), and the views of `response` are dead then. Does not
// end the part: when response.last, the caller calls entry.pending->part_done() next.
// `entry.pending` may be null (nobody waits): only the node is counted then, and the pool of a
// copy.
void deliver(InFlight& entry, const protocol::Response& response, net::ReadBuffer& in,
             std::string_view node, NodeCounters& counters);

// The reply to a copy (entry.shadow) will not come, or not in time; nothing for others. What comes
// late is not counted any more.
void count_shadow_failure(InFlight& entry, NodeFailure failure, NodeCounters& counters);

// The reply to `entry` will not come; again part_done() is the caller's next step. REQUIRES:
// entry.pending.
void deliver_failure(InFlight& entry, NodeFailure failure, std::string_view node,
                     NodeCounters& counters);

}  // namespace ringcache::proxy
