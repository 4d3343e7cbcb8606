// Coalescer: identical gets of one worker share one request to the node (the pool's option
// `coalesce`), so that a key which everybody asks for at once costs its node one answer.
//
//   get k  -> leader: sent to the node                 its reply goes to all of them
//   get k  -> follower: joins the leader  ------------>
//   get k  -> follower
//
// The promise: a get never sees an older value because of it than it would have seen alone. A
// leader is sent while no write to its key, and no flush_all, through this process is under way
// (write_epochs.h); a follower joins only while nothing of the reply has come, and only if none was
// begun since. So a value that was written and acknowledged through this process before the get is
// never hidden by an answer from before. What others write to the node, and a flush_all that takes
// effect later, may be missed for as long as an answer may take (timeouts.request).
//
// A follower shares the leader's fate: when the node fails, or the leader's time is over, it is a
// miss for all of them. Joined are gets and gets of one key, each with its like; the keys of a
// multiget are not.
//
// A table of kSlots places, for one key and command each: when two meet in one, the second is not
// shared.
// Owned by the worker, touched by its thread only; allocates nothing when warm.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/command.h"
#include "proxy/pending_request.h"
#include "proxy/write_epochs.h"
#include "routing/route_plan.h"

namespace ringcache::proxy {

class Coalescer {
 public:
  static constexpr std::size_t kSlots = 1024;
  // Followers of one leader; the next get is another leader. Bounds what one reply costs.
  static constexpr std::uint32_t kFollowersMax = 1024;

  // A get, as far as sharing goes. `epoch` is the key's, read before.
  struct Get {
    protocol::Command command;
    routing::PoolIndex pool;
    std::string_view key;
    std::size_t key_hash;
    WriteEpochs::Epoch epoch;
  };

  // True: `request` joined a leader and is answered with it.
  [[nodiscard]] bool join(const Get& get, PendingRequest& request);
  // `request` is sent for `get`, and no write to its key is under way: others may join it, unless
  // its place is taken.
  void lead(const Get& get, PendingRequest& request);
  // No more may join.
  void end(PendingRequest& leader);
  // No leader of now may be joined: keys may have another owner.
  void end_all();

 private:
  struct Slot {
    PendingRequest* leader = nullptr;
    protocol::Command command = protocol::Command::kGet;
    routing::PoolIndex pool = 0;
    WriteEpochs::Epoch epoch;
    std::string key;

    bool is_for(const Get& get) const {
      return command == get.command && pool == get.pool && key == get.key;
    }
  };
  static std::size_t place(const Get& get);
  std::array<Slot, kSlots> slots_;
};

}  // namespace ringcache::proxy
