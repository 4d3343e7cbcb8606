#include "proxy/file_marks.h"

#include <sys/stat.h>

#include <array>
#include <utility>

namespace ringcache::proxy {

std::string FileMarks::mark_of(const std::vector<std::string>& files) {
  std::string mark;
  for (const std::string& file : files) {
    struct stat found {};
    if (::stat(file.c_str(), &found) != 0) {
      mark += "none;";
      continue;
    }
    const std::array<unsigned long long, 7> figures{
        found.st_dev,
        found.st_ino,
        static_cast<unsigned long long>(found.st_size),
        static_cast<unsigned long long>(found.st_mtim.tv_sec),
        static_cast<unsigned long long>(found.st_mtim.tv_nsec),
        static_cast<unsigned long long>(found.st_ctim.tv_sec),
        static_cast<unsigned long long>(found.st_ctim.tv_nsec)};
    for (const unsigned long long figure : figures) mark.append(std::to_string(figure)).append(",");
    mark += ';';
  }
  return mark;
}

void FileMarks::set(std::vector<std::string> files, std::string mark) {
  const std::lock_guard lock(mutex_);
  files_ = std::move(files);
  told_ = seen_ = mark;
  read_ = std::move(mark);
}

bool FileMarks::changed() const {
  const std::lock_guard lock(mutex_);
  return mark_of(files_) != read_;
}

bool FileMarks::look() {
  const std::lock_guard lock(mutex_);
  std::string mark = mark_of(files_);
  const bool settled = mark == seen_;
  seen_ = std::move(mark);
  if (!settled || seen_ == told_) return false;
  told_ = seen_;
  return true;
}

}  // namespace ringcache::proxy
