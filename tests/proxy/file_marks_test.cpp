#include "proxy/file_marks.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/support/temporary_folder.h"

namespace ringcache::proxy {

namespace {

struct Watched {
  Watched() : file(folder.write("key", "first")) { marks.set({file}, FileMarks::mark_of({file})); }
  // As tools do that never leave half a file behind.
  void replace(std::string_view text) const {
    std::filesystem::rename(folder.write("new", text), file);
  }

  test::TemporaryFolder folder;
  std::string file;
  FileMarks marks;
};

}  // namespace

TEST_CASE("what was read is not told") {
  Watched watched;
  CHECK_FALSE(watched.marks.changed());
  CHECK_FALSE(watched.marks.look());
  CHECK_FALSE(watched.marks.look());
}

TEST_CASE("a change is told once, when two looks saw the same") {
  Watched watched;
  watched.replace("other");  // of the same length
  CHECK(watched.marks.changed());
  CHECK_FALSE(watched.marks.look());
  watched.replace("still another");
  CHECK_FALSE(watched.marks.look());
  CHECK(watched.marks.look());
  CHECK_FALSE(watched.marks.look());
  CHECK(watched.marks.changed());  // until it is read
  watched.marks.set({watched.file}, FileMarks::mark_of({watched.file}));
  CHECK_FALSE(watched.marks.changed());
  CHECK_FALSE(watched.marks.look());
}

TEST_CASE("a file that goes, and comes back") {
  Watched watched;
  std::filesystem::remove(watched.file);
  CHECK_FALSE(watched.marks.look());
  CHECK(watched.marks.look());
  watched.folder.write("key", "back");
  CHECK_FALSE(watched.marks.look());
  CHECK(watched.marks.look());
}

TEST_CASE("a link that leads elsewhere is a change") {
  const test::TemporaryFolder folder;
  const std::string first = folder.write("first", "same");
  const std::string second = folder.write("second", "same");
  const std::string link = folder.path("link");
  std::filesystem::create_symlink(first, link);
  FileMarks marks;
  marks.set({link}, FileMarks::mark_of({link}));
  std::filesystem::create_symlink(second, folder.path("next"));
  std::filesystem::rename(folder.path("next"), link);
  CHECK(marks.changed());
}

TEST_CASE("no files never change") {
  FileMarks marks;
  marks.set({}, FileMarks::mark_of({}));
  CHECK_FALSE(marks.changed());
  CHECK_FALSE(marks.look());
}

}  // namespace ringcache::proxy
