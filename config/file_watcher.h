// FileWatcher: tells when a configuration file has changed, however that was done.
//
// inotify watches directories, not the file, because tools replace files: editors rename a new one
// over the old one, and Kubernetes swaps the link `..data`, which stands between the path that was
// given and the file. So it watches the directory of the file and of every symbolic link on the
// way to it, for the names that matter, and finds the way anew at every look. What events miss,
// a look every few seconds finds (reload_decision.h).
//
// One thread at a time; for a loop of its own or of anybody's:
//
//   for (;;) {
//     poll() on fd() until readable or next_look();
//     const FileWatcher::Report report = watcher.check(steady_clock::now());
//     if (report.change == FileChange::kChanged) load(report.text);
//   }
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/reload_decision.h"

namespace ringcache::config {

// One name in one directory, by which a path goes.
struct PathStep {
  std::filesystem::path directory;
  std::string name;
  bool operator==(const PathStep&) const = default;
};

// The symbolic links on the way to `path`, in the order they are followed, and last the file
// itself; or, where something is missing, the name that is missing. At most 40 links.
std::vector<PathStep> steps_to(const std::filesystem::path& path);

class FileWatcher {
 public:
  using TimePoint = ReloadDecision::TimePoint;

  struct Report {
    FileChange change = FileChange::kNone;
    std::string text;   // of kChanged: the content to load
    std::string error;  // of kUnreadable: why
  };

  // `text` is what the running configuration was loaded from. A file that is not there is watched
  // for all the same.
  FileWatcher(std::filesystem::path path, std::string text, TimePoint now);
  ~FileWatcher();
  FileWatcher(const FileWatcher&) = delete;
  FileWatcher& operator=(const FileWatcher&) = delete;

  // Readable when check() should be called. -1 where the system gives no inotify (error() says
  // why); looking every few seconds works all the same.
  int fd() const { return fd_; }
  const std::string& error() const { return error_; }
  // When check() should be called at the latest.
  TimePoint next_look() const { return decision_.next_look(); }

  // Takes in what has happened and, when it is time, looks at the file. Does not wait for anything.
  Report check(TimePoint now);

 private:
  bool read_events();  // whether one was about a name on the way
  void watch_steps();

  std::filesystem::path path_;
  ReloadDecision decision_;
  int fd_ = -1;
  std::string error_;
  std::map<int, std::set<std::string>> names_by_watch_;
};

}  // namespace ringcache::config
