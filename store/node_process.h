// What the options -d, -P, -u, -k, -r and -c do to the process around a node. For main() alone, in
// this order; all up to Background before there is any thread:
//
//   raise_descriptor_limit, allow_core_dumps, allow_locked_memory   while there are rights to,
//   ... and what the files of -Y and -Z say (node_secrets.h) ...    as these
//   take_identity                                                   root gives them up
//   Background                                                      -d: goes on in a child
//   ... the node starts: everything is bound ...
//   lock_memory, PidFile
//   Background::ready                                               -d: leaves the terminal
//
// A returned text says what is wrong; nothing returned means that it was done.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "store/node_options.h"

namespace ringcache::store {

// Lets the process open a descriptor for each client that -c allows.
[[nodiscard]] std::optional<std::string> raise_descriptor_limit(std::size_t connections_max);

// -r: a core of any size. An error if the system allows none at all.
[[nodiscard]] std::optional<std::string> allow_core_dumps();

// -k, first half: lifts the limit of locked memory where there is the right to.
void allow_locked_memory();
// -k, second half: keeps what the process has and will have out of swap, from when it is touched.
// Refused under a finite limit: an allocation that meets it later would fail.
[[nodiscard]] std::optional<std::string> lock_memory();

// -u: as root, takes the user and groups of `user` for good. Anybody else stays who they are.
[[nodiscard]] std::optional<std::string> take_identity(const std::string& user);

// A daemon leaves the folder that it was started in: paths that are opened again later, or removed,
// must not depend on it.
void make_paths_absolute(NodeOptions& options);

// -d: the process goes on as a child without a terminal.
class Background {
 public:
  // Forks. Returns in the child; the parent waits until the child is ready or has ended, and ends
  // with 0 or the child's exit code: whoever starts a daemon sees what is wrong with it. Throws
  // std::system_error when there can be no child. REQUIRES that no thread was started.
  Background();
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Leaves the folder (unless `stay`, for cores) and the terminal, closes what else was inherited,
  // and lets the parent end. With `keep_stderr` (-v, as in memcached) the log stays where it was,
  // else it goes to the system log.
  void ready(bool stay, bool keep_stderr);

 private:
  int parent_fd_ = -1;  // a byte tells the parent that all is well, a close that it is not
  // Descriptors of whoever started us: locks and pipes that must not live as long as a daemon. Open
  // until ready(), because options may name them (/dev/fd/3).
  std::vector<int> inherited_;
};

// -P: the process id in a file, for as long as this object lives. What is wrong with the file is a
// warning in the log, as in memcached: the node serves all the same.
class PidFile {
 public:
  // Nothing for an empty path. Replaces what is there; warns if that names a living process.
  explicit PidFile(std::string path);
  // Removes the file, unless another process has put its own id there.
  ~PidFile();
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

 private:
  std::string path_;  // empty: none was written
};

}  // namespace ringcache::store
