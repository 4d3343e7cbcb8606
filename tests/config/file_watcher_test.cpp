// With real files. Time is what the test says it is: the watcher's next look is "now", so no test
// waits for time to pass, only for events that the kernel has promised.
#include "config/file_watcher.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

using namespace ringcache::config;
namespace fs = std::filesystem;

namespace {

class Directory {
 public:
  Directory() {
    std::string pattern = (fs::temp_directory_path() / "ringcache-XXXXXX").native();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = fs::canonical(pattern);
  }
  ~Directory() { fs::remove_all(path_); }
  fs::path operator/(const std::string& name) const { return path_ / name; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void write(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  REQUIRE(file.flush().good());
}

// A watcher and its time.
struct Watch {
  ReloadDecision::TimePoint now{};
  FileWatcher watcher;

  Watch(const fs::path& path, const std::string& text) : watcher(path, text, now) {
    REQUIRE(watcher.fd() >= 0);
    const FileWatcher::Report first = look();
    REQUIRE(first.change != FileChange::kChanged);
  }

  bool readable(int timeout_ms) const {
    pollfd entry{.fd = watcher.fd(), .events = POLLIN, .revents = 0};
    return ::poll(&entry, 1, timeout_ms) == 1;
  }

  FileWatcher::Report look() {
    now = watcher.next_look();
    return watcher.check(now);
  }

  // The report after something was done to the file. The event comes with the deed, so the long
  // wait is only for a watcher that misses it.
  FileWatcher::Report after_event() {
    CHECK(readable(10'000));
    const FileWatcher::Report early = watcher.check(now);
    CHECK(early.change == FileChange::kNone);  // it waits for quiet
    CHECK(watcher.next_look() == now + kReloadQuiet);
    return look();
  }
};

}  // namespace

TEST_CASE("a file that is written in place") {
  const Directory directory;
  const fs::path path = directory / "proxy.json";
  write(path, "old");
  Watch watch(path, "old");
  write(path, "new");
  const FileWatcher::Report report = watch.after_event();
  CHECK(report.change == FileChange::kChanged);
  CHECK(report.text == "new");
  CHECK_FALSE(watch.readable(0));
  CHECK(watch.look().change == FileChange::kNone);
}

TEST_CASE("a file that another is renamed over, again and again") {
  const Directory directory;
  const fs::path path = directory / "proxy.json";
  write(path, "0");
  Watch watch(path, "0");
  for (int i = 1; i <= 5; ++i) {
    write(directory / ".proxy.json.swp", std::to_string(i));
    fs::rename(directory / ".proxy.json.swp", path);
    const FileWatcher::Report report = watch.after_event();
    CHECK(report.change == FileChange::kChanged);
    CHECK(report.text == std::to_string(i));
  }
}

TEST_CASE("the swap of Kubernetes' ..data") {
  const Directory directory;
  fs::create_directory(directory / "..1");
  write(directory / "..1/proxy.json", "one");
  fs::create_symlink("..1", directory / "..data");
  fs::create_symlink("..data/proxy.json", directory / "proxy.json");
  Watch watch(directory / "proxy.json", "one");
  for (int i = 2; i <= 4; ++i) {
    const std::string name = ".." + std::to_string(i);
    fs::create_directory(directory / name);
    write(directory / (name + "/proxy.json"), name);
    fs::create_symlink(name, directory / "..data_tmp");
    fs::rename(directory / "..data_tmp", directory / "..data");
    const FileWatcher::Report report = watch.after_event();
    CHECK(report.change == FileChange::kChanged);
    CHECK(report.text == name);
    fs::remove_all(directory / (".." + std::to_string(i - 1)));
    const auto next = watch.watcher.next_look();
    CHECK(watch.watcher.check(watch.now).change == FileChange::kNone);
    CHECK(watch.watcher.next_look() == next);  // the old directory means nothing any more
  }
  // The directory that came with the last swap is watched too.
  write(directory / "..4/proxy.json", "in place");
  CHECK(watch.after_event().text == "in place");
}

TEST_CASE("a file that is deleted and made again") {
  const Directory directory;
  const fs::path path = directory / "proxy.json";
  write(path, "old");
  Watch watch(path, "old");
  fs::remove(path);
  const FileWatcher::Report gone = watch.after_event();
  CHECK(gone.change == FileChange::kUnreadable);
  CHECK(gone.error == "cannot read: No such file or directory");
  CHECK(watch.look().change == FileChange::kNone);
  write(path, "old");
  CHECK(watch.after_event().change == FileChange::kReadable);
  fs::remove(path);
  CHECK(watch.after_event().change == FileChange::kUnreadable);
  write(path, "new");
  CHECK(watch.after_event().text == "new");
}

TEST_CASE("a directory that goes and comes back") {
  const Directory directory;
  const fs::path inner = directory / "etc";
  fs::create_directory(inner);
  write(inner / "proxy.json", "old");
  Watch watch(inner / "proxy.json", "old");
  fs::rename(inner, directory / "away");
  CHECK(watch.after_event().change == FileChange::kUnreadable);
  fs::create_directory(inner);
  CHECK(watch.after_event().change == FileChange::kNone);
  write(inner / "proxy.json", "new");
  CHECK(watch.after_event().text == "new");
}

TEST_CASE("a link that is pointed elsewhere, and the file it points to") {
  const Directory directory;
  fs::create_directories(directory / "a/b");
  fs::create_directories(directory / "c");
  write(directory / "a/b/real.json", "old");
  write(directory / "c/other.json", "other");
  fs::create_symlink("../a/b/real.json", directory / "c/link.json");
  Watch watch(directory / "c/link.json", "old");
  write(directory / "a/b/real.json", "new");
  CHECK(watch.after_event().text == "new");
  fs::create_symlink(directory / "c/other.json", directory / "c/tmp");
  fs::rename(directory / "c/tmp", directory / "c/link.json");
  CHECK(watch.after_event().text == "other");
}

TEST_CASE("other files of the directory mean nothing") {
  const Directory directory;
  const fs::path path = directory / "proxy.json";
  write(path, "old");
  Watch watch(path, "old");
  write(directory / "proxy.json.bak", "x");
  REQUIRE(watch.readable(10'000));
  const auto before = watch.watcher.next_look();
  CHECK(watch.watcher.check(watch.now).change == FileChange::kNone);
  CHECK(watch.watcher.next_look() == before);
}

TEST_CASE("what is no regular file is not waited for") {
  const Directory directory;
  const fs::path path = directory / "proxy.json";
  write(path, "old");
  Watch watch(path, "old");
  fs::remove(path);
  fs::create_directory(path);
  const FileWatcher::Report report = watch.after_event();
  CHECK(report.change == FileChange::kUnreadable);
  CHECK(report.error == "cannot read: not a regular file");
}

TEST_CASE("a change between the loading and the watching is found at the first look") {
  const Directory directory;
  const fs::path path = directory / "proxy.json";
  write(path, "newer");
  const ReloadDecision::TimePoint now{};
  FileWatcher watcher(path, "loaded before", now);
  CHECK(watcher.next_look() == now + kReloadQuiet);
  CHECK(watcher.check(now + kReloadQuiet).text == "newer");
}

TEST_CASE("the steps to a file") {
  const Directory directory;
  const fs::path& d = directory.path();
  fs::create_directories(d / "real");
  write(d / "real/f", "");
  CHECK(steps_to(d / "real/../real/./f") == std::vector<PathStep>{{d / "real", "f"}});
  CHECK(steps_to(d / "real/missing/f") == std::vector<PathStep>{{d / "real", "missing"}});
  fs::create_symlink("real", d / "l1");
  fs::create_symlink(d / "l1/f", d / "l2");
  CHECK(steps_to(d / "l2") == std::vector<PathStep>{{d, "l2"}, {d, "l1"}, {d / "real", "f"}});
  fs::create_symlink("loop", d / "loop");
  CHECK(steps_to(d / "loop").size() == 41);
}
