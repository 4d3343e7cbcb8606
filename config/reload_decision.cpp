#include "config/reload_decision.h"

#include <algorithm>
#include <utility>

namespace ringcache::config {

ReloadDecision::ReloadDecision(std::string text, TimePoint now)
    : known_(std::move(text)), last_event_(now), last_look_(now) {}

void ReloadDecision::on_event(TimePoint now) {
  if (!first_event_) first_event_ = now;
  last_event_ = now;
}

ReloadDecision::TimePoint ReloadDecision::next_look() const {
  const TimePoint poll = last_look_ + kReloadPoll;
  if (!first_event_) return poll;
  return std::min({poll, last_event_ + kReloadQuiet, *first_event_ + kReloadQuietMax});
}

FileChange ReloadDecision::on_look(const ConfigFile& file, TimePoint now) {
  first_event_.reset();
  last_look_ = now;
  const bool was_readable = std::exchange(readable_, file.ok());
  if (!file.ok()) return was_readable ? FileChange::kUnreadable : FileChange::kNone;
  if (file.text != known_) {
    known_ = file.text;
    return FileChange::kChanged;
  }
  return was_readable ? FileChange::kNone : FileChange::kReadable;
}

}  // namespace ringcache::config
