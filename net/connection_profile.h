#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "net/connection.h"

/// What many connections have in common, kept once for all of them: an idle connection is mostly
/// the memory that it needs while it does nothing.
namespace ringcache::net {

/// The listener of accepted connections, as they see it.
class ConnectionGroup {
 public:
  /// One of its connections is destroyed. The group may be gone after the last.
  virtual void one_closed() = 0;

 protected:
  ~ConnectionGroup() = default;
};

/// The profiles of one worker's connections, each counted by those who use it. There are few: one
/// for each kind of connection. Belongs to the worker.
class ConnectionProfiles {
 public:
  const ConnectionProfile* take(const ConnectionProfile& wanted);
  void give_back(const ConnectionProfile* profile);
  std::size_t size() const { return shared_.size(); }

 private:
  struct Shared {
    std::unique_ptr<const ConnectionProfile> profile;
    std::size_t users;
  };
  std::vector<Shared> shared_;
};

}  // namespace ringcache::net
