#include "config/file_watcher.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <system_error>
#include <utility>

namespace ringcache::config {
namespace {

constexpr std::size_t kLinksMax = 40;  // as the kernel's own limit
constexpr std::uint32_t kEvents = IN_CREATE | IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB |
                                  IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF |
                                  IN_MOVE_SELF;

// Puts the parts of `path` before those that are still to go.
void prepend(const std::filesystem::path& path, std::deque<std::string>& parts) {
  std::deque<std::string> all;
  for (const std::filesystem::path& part : path.relative_path()) all.push_back(part.native());
  all.insert(all.end(), parts.begin(), parts.end());
  parts = std::move(all);
}

}  // namespace

std::vector<PathStep> steps_to(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::path directory = "/";
  std::deque<std::string> parts;
  std::vector<PathStep> steps;
  prepend(std::filesystem::absolute(path, error), parts);
  std::size_t links = 0;
  while (!parts.empty()) {
    const std::string part = std::move(parts.front());
    parts.pop_front();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      directory = directory.parent_path();
      continue;
    }
    const std::filesystem::path here = directory / part;
    const std::filesystem::file_status status = std::filesystem::symlink_status(here, error);
    const bool is_link = std::filesystem::is_symlink(status);
    const bool is_end = parts.empty() || !std::filesystem::exists(status);
    if (is_link || is_end) steps.push_back({directory, part});
    if (is_link) {
      if (++links > kLinksMax) break;
      const std::filesystem::path target = std::filesystem::read_symlink(here, error);
      if (target.is_absolute()) directory = "/";
      prepend(target, parts);
    } else if (is_end) {
      break;
    } else {
      directory = here;
    }
  }
  return steps;
}

FileWatcher::FileWatcher(std::filesystem::path path, std::string text, TimePoint now)
    : path_(std::move(path)),
      decision_(std::move(text), now),
      fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (fd_ < 0) {
    error_ = "cannot watch files: " + std::generic_category().message(errno);
    return;
  }
  watch_steps();
  // What changed between the loading and now had no event.
  decision_.on_event(now);
}

FileWatcher::~FileWatcher() {
  if (fd_ >= 0) ::close(fd_);
}

FileWatcher::Report FileWatcher::check(TimePoint now) {
  if (read_events()) decision_.on_event(now);
  Report report;
  if (now < decision_.next_look()) return report;
  watch_steps();  // before the look: what happens after it has an event
  ConfigFile file = read_config_file(path_, FileKind::kRegular);
  report.change = decision_.on_look(file, now);
  if (report.change == FileChange::kChanged) report.text = std::move(file.text);
  if (report.change == FileChange::kUnreadable) report.error = std::move(file.error);
  return report;
}

bool FileWatcher::read_events() {
  bool relevant = false;
  alignas(inotify_event) char buffer[16384];
  while (fd_ >= 0) {
    const ssize_t count = ::read(fd_, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    for (ssize_t at = 0; at < count;) {
      inotify_event event{};
      std::memcpy(&event, buffer + at, sizeof event);
      const char* name = buffer + at + sizeof event;
      at += static_cast<ssize_t>(sizeof event + event.len);
      const auto watch = names_by_watch_.find(event.wd);
      const bool lost_some = (event.mask & IN_Q_OVERFLOW) != 0;
      const bool about_directory = event.len == 0;
      const bool known = watch != names_by_watch_.end();
      if (lost_some || (known && (about_directory || watch->second.contains(name)))) {
        relevant = true;
      }
      // The directory is gone, and its number may be given to another.
      if ((event.mask & IN_IGNORED) != 0 && known) names_by_watch_.erase(watch);
    }
  }
  return relevant;
}

void FileWatcher::watch_steps() {
  if (fd_ < 0) return;
  std::map<int, std::set<std::string>> wanted;
  for (const PathStep& step : steps_to(path_)) {
    // The same directory gives the same number again. One that cannot be watched is polled.
    const int watch = ::inotify_add_watch(fd_, step.directory.c_str(), kEvents | IN_ONLYDIR);
    if (watch >= 0) wanted[watch].insert(step.name);
  }
  for (const auto& [watch, names] : names_by_watch_) {
    if (!wanted.contains(watch)) ::inotify_rm_watch(fd_, watch);
  }
  names_by_watch_ = std::move(wanted);
}

}  // namespace ringcache::config
