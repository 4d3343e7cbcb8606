#include "config/reload_decision.h"

#include <doctest/doctest.h>

using namespace ringcache::config;
using namespace std::chrono_literals;

namespace {

ConfigFile content(std::string text) {
  return {.text = std::move(text), .error = {}};
}
const ConfigFile kGone{.text = {}, .error = "gone"};
const ReloadDecision::TimePoint kStart{1000s};

}  // namespace

TEST_CASE("without events a look comes every few seconds") {
  ReloadDecision decision("a", kStart);
  CHECK(decision.next_look() == kStart + kReloadPoll);
  CHECK(decision.on_look(content("a"), kStart + 5s) == FileChange::kNone);
  CHECK(decision.next_look() == kStart + 10s);
  CHECK(decision.on_look(content("b"), kStart + 10s) == FileChange::kChanged);
  CHECK(decision.on_look(content("b"), kStart + 15s) == FileChange::kNone);
}

TEST_CASE("a look waits for quiet after an event, but not for ever") {
  ReloadDecision decision("a", kStart);
  decision.on_event(kStart + 10ms);
  CHECK(decision.next_look() == kStart + 10ms + kReloadQuiet);
  decision.on_event(kStart + 90ms);
  CHECK(decision.next_look() == kStart + 90ms + kReloadQuiet);
  for (auto at = 100ms; at < 3s; at += 50ms) decision.on_event(kStart + at);
  CHECK(decision.next_look() == kStart + 10ms + kReloadQuietMax);
  CHECK(decision.on_look(content("b"), kStart + 1010ms) == FileChange::kChanged);
  CHECK(decision.next_look() == kStart + 1010ms + kReloadPoll);
}

TEST_CASE("events do not put off the regular look") {
  ReloadDecision decision("a", kStart);
  decision.on_event(kStart + kReloadPoll - 1ms);
  CHECK(decision.next_look() == kStart + kReloadPoll);
}

TEST_CASE("a file that cannot be read is said once, and so is its return") {
  ReloadDecision decision("a", kStart);
  CHECK(decision.on_look(kGone, kStart) == FileChange::kUnreadable);
  CHECK(decision.on_look(kGone, kStart) == FileChange::kNone);
  CHECK(decision.on_look(content("a"), kStart) == FileChange::kReadable);
  CHECK(decision.on_look(kGone, kStart) == FileChange::kUnreadable);
  CHECK(decision.on_look(content("b"), kStart) == FileChange::kChanged);
  CHECK(decision.on_look(content("b"), kStart) == FileChange::kNone);
}
