// FileMarks: tells whether files are still those that were read, however they are replaced.
//
// A mark is what stat() says of each file behind all links: device, inode, size, times. It costs a
// system call a file and no reading, so files that are secret are opened only to be used. Tools
// write a certificate and its key one after the other, so a change counts when it is the same at
// two looks.
//
// set() and changed() on the main thread, look() on the one that looks, once a second.
#pragma once

#include <mutex>
#include <string>
#include <vector>

namespace ringcache::proxy {

class FileMarks {
 public:
  static std::string mark_of(const std::vector<std::string>& files);

  // `files` were read; `mark` was taken before.
  void set(std::vector<std::string> files, std::string mark);
  // Whether they are others by now.
  bool changed() const;
  // True once for each change, when it has settled.
  bool look();

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> files_;
  std::string read_;  // the mark of what was read
  std::string told_;  // of what look() has told, or what was read
  std::string seen_;  // of the last look
};

}  // namespace ringcache::proxy
