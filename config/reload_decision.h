// ReloadDecision: when to look at a watched file, and what a look means. No file, no clock: events,
// contents and time come in, so that every course of events can be tested.
//
// Editors and tools write a file in several steps, each of which is an event. A look waits until
// there was no event for kReloadQuiet, yet never longer than kReloadQuietMax after the first. The
// same content again is no change. Where no events come (network file systems, no inotify left) a
// look every kReloadPoll finds changes too.
//
// One thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "config/config_file.h"

namespace ringcache::config {

inline constexpr std::chrono::milliseconds kReloadQuiet{100};
inline constexpr std::chrono::milliseconds kReloadQuietMax{1000};
inline constexpr std::chrono::seconds kReloadPoll{5};

enum class FileChange : std::uint8_t {
  kNone,
  kChanged,     // other content than at the last look that could read it: load it
  kUnreadable,  // cannot be read any more; said once, until it can be read again
  kReadable,    // can be read again, and has the content it had
};

class ReloadDecision {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // `text` is what the running configuration was loaded from.
  ReloadDecision(std::string text, TimePoint now);

  // Something happened to the file or to a link on the way to it.
  void on_event(TimePoint now);
  // The time of the next look.
  TimePoint next_look() const;
  // What this look at the file means. Whether its content is any good is not known here: a bad
  // file is reported once, too, and not again until it changes.
  FileChange on_look(const ConfigFile& file, TimePoint now);

 private:
  std::string known_;  // content of the last look that could read the file
  bool readable_ = true;
  std::optional<TimePoint> first_event_;  // since the last look
  TimePoint last_event_;
  TimePoint last_look_;
};

}  // namespace ringcache::config
