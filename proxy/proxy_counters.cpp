#include "proxy/proxy_counters.h"

#include "protocol/reply_rules.h"

namespace ringcache::proxy {

using protocol::Command;
using protocol::ResponseStatus;

namespace {

// HD and VA say only that it worked; what worked is the command's business.
CommandStatus meta_success(Command command) {
  switch (command) {
    case Command::kMetaGet:
      return CommandStatus::kHit;
    case Command::kMetaSet:
      return CommandStatus::kStored;
    case Command::kMetaDelete:
      return CommandStatus::kDeleted;
    default:
      return CommandStatus::kOk;
  }
}

}  // namespace

CommandStatus command_status(Command command, ResponseStatus status) {
  switch (status) {
    case ResponseStatus::kValue:
      return CommandStatus::kHit;
    case ResponseStatus::kEnd:
    case ResponseStatus::kMetaMiss:
      return CommandStatus::kMiss;
    case ResponseStatus::kStored:
      return CommandStatus::kStored;
    case ResponseStatus::kNotStored:
    case ResponseStatus::kMetaNotStored:
      return CommandStatus::kNotStored;
    case ResponseStatus::kExists:
    case ResponseStatus::kMetaExists:
      return CommandStatus::kExists;
    case ResponseStatus::kNotFound:
    case ResponseStatus::kMetaNotFound:
      return CommandStatus::kNotFound;
    case ResponseStatus::kDeleted:
      return CommandStatus::kDeleted;
    case ResponseStatus::kTouched:
      return CommandStatus::kTouched;
    case ResponseStatus::kMetaHit:
    case ResponseStatus::kMetaValue:
      return meta_success(command);
    case ResponseStatus::kError:
    case ResponseStatus::kClientError:
    case ResponseStatus::kServerError:
      return CommandStatus::kError;
    default:
      return CommandStatus::kOk;
  }
}

bool can_end_as(Command command, CommandStatus status) {
  for (std::size_t i = 0; i < protocol::kResponseStatusCount; ++i) {
    const auto answer = static_cast<ResponseStatus>(i);
    if (protocol::may_answer(command, answer) && command_status(command, answer) == status) {
      return true;
    }
  }
  return false;
}

DurationClass duration_class(Command command) {
  if (protocol::is_read(command)) return DurationClass::kGet;
  if (protocol::spec(command).has_value) return DurationClass::kSet;
  return DurationClass::kOther;
}

PoolCounters& WorkerCounters::pool(const std::string& pool) {
  const std::lock_guard lock(mutex_);
  auto& counters = pools_[pool];
  if (!counters) counters = std::make_unique<PoolCounters>();
  return *counters;
}

NodeCounters& WorkerCounters::node(const std::string& pool, const std::string& node) {
  const std::lock_guard lock(mutex_);
  auto& counters = nodes_[{pool, node}];
  if (!counters) counters = std::make_unique<NodeCounters>();
  return *counters;
}

}  // namespace ringcache::proxy
