#include "net/connection_profile.h"

#include <algorithm>
#include <cassert>

namespace ringcache::net {

const ConnectionProfile* ConnectionProfiles::take(const ConnectionProfile& wanted) {
  for (Shared& shared : shared_) {
    if (*shared.profile != wanted) continue;
    ++shared.users;
    return shared.profile.get();
  }
  shared_.push_back({std::make_unique<const ConnectionProfile>(wanted), 1});
  return shared_.back().profile.get();
}

void ConnectionProfiles::give_back(const ConnectionProfile* profile) {
  const auto shared = std::ranges::find_if(
      shared_, [profile](const Shared& each) { return each.profile.get() == profile; });
  assert(shared != shared_.end());
  if (--shared->users == 0) shared_.erase(shared);
}

}  // namespace ringcache::net
