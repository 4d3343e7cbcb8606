#include "store/node_process.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "net/log.h"

namespace ringcache::store {

namespace {

constexpr int kExitFailure = 1;
// Descriptors beside the clients': listeners, event loops, metrics, log.
constexpr rlim_t kOtherDescriptors = 128;

std::string reason(int error) {
  return std::generic_category().message(error);
}

// Writing may be interrupted by a signal, and nothing else for so few bytes.
bool write_all(int fd, std::string_view text) {
  ssize_t written = 0;
  do {
    written = ::write(fd, text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  return written == static_cast<ssize_t>(text.size());
}

bool may_lock_any_memory() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY) return true;
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return false;
  return (data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective & CAP_TO_MASK(CAP_IPC_LOCK)) != 0;
}

// Beside the standard streams. What is inherited lives on over exec(), which none of ours does.
std::vector<int> inherited_descriptors() {
  std::vector<int> found;
  std::error_code error;
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    if (fd <= STDERR_FILENO) continue;
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) found.push_back(fd);
  }
  return found;
}

}  // namespace

// --- limits ------------------------------------------------------------------------------------

std::optional<std::string> raise_descriptor_limit(std::size_t connections_max) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  const rlim_t needed = connections_max + kOtherDescriptors;
  if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= needed) return std::nullopt;
  limit.rlim_cur = needed;
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < needed) limit.rlim_max = needed;
  if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) return std::nullopt;
  return "-c " + std::to_string(connections_max) + ": needs " + std::to_string(needed) +
         " file descriptors and the system allows fewer; raise `ulimit -n` (LimitNOFILE=) or lower "
         "-c";
}

std::optional<std::string> allow_core_dumps() {
  rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
  if (::setrlimit(RLIMIT_CORE, &limit) == 0) return std::nullopt;
  // Not root: as much as is allowed.
  if (::getrlimit(RLIMIT_CORE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_CORE, &limit);
  }
  if (::getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur > 0) return std::nullopt;
  return "-r: the system allows no core dumps; raise `ulimit -c` (LimitCORE=)";
}

void allow_locked_memory() {
  const rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
  ::setrlimit(RLIMIT_MEMLOCK, &limit);
}

std::optional<std::string> lock_memory() {
  if (!may_lock_any_memory()) {
    return "memory is locked only without a limit on it; set `ulimit -l unlimited` "
           "(LimitMEMLOCK=infinity)";
  }
  // A page is locked when it is touched first: at once would fill all of -m.
  if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
    return "memory cannot be locked: " + reason(errno);
  }
  return std::nullopt;
}

// --- who it is ---------------------------------------------------------------------------------

std::optional<std::string> take_identity(const std::string& user) {
  if ((::getuid() != 0 && ::geteuid() != 0) || user.empty()) return std::nullopt;
  const bool dumpable = ::prctl(PR_GET_DUMPABLE) == 1;
  errno = 0;
  const passwd* const entry = ::getpwnam(user.c_str());
  if (entry == nullptr) {
    return "-u " + user + ": " + (errno == 0 ? "there is no such user" : reason(errno));
  }
  const uid_t uid = entry->pw_uid;
  const gid_t gid = entry->pw_gid;
  if (::initgroups(user.c_str(), gid) != 0 || ::setgid(gid) != 0 || ::setuid(uid) != 0) {
    return "-u " + user + ": cannot become this user: " + reason(errno);
  }
  if (uid != 0 && ::setuid(0) == 0) return "-u " + user + ": root's rights are still there";
  // The system forbids cores, and looking into /proc, after a change of user.
  if (dumpable) ::prctl(PR_SET_DUMPABLE, 1);
  return std::nullopt;
}

// --- background --------------------------------------------------------------------------------

void make_paths_absolute(NodeOptions& options) {
  const auto absolute = [](std::string& path) {
    std::error_code error;
    if (path.empty()) return;
    if (auto whole = std::filesystem::absolute(path, error); !error) path = whole.string();
  };
  absolute(options.process.pid_file);
  absolute(options.auth_file);
  for (std::string* file : {&options.tls.chain_file, &options.tls.key_file, &options.tls.ca_file}) {
    absolute(*file);
  }
  for (net::Address& address : options.listen) {
    if (address.kind == net::Address::Kind::kUnix) absolute(address.path);
  }
}

Background::Background() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "-d: cannot make a pipe");
  }
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "-d: cannot fork");
  if (child == 0) {
    ::close(ends[0]);
    parent_fd_ = ends[1];
    inherited_ = inherited_descriptors();
    ::setsid();
    return;
  }
  ::close(ends[1]);
  char byte = 0;
  ssize_t count = 0;
  do {
    count = ::read(ends[0], &byte, 1);
  } while (count < 0 && errno == EINTR);
  if (count == 1) ::_exit(0);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : kExitFailure);
}

Background::~Background() {
  if (parent_fd_ >= 0) ::close(parent_fd_);
}

void Background::ready(bool stay, bool keep_stderr) {
  if (!stay && ::chdir("/") != 0) net::log_warn("cannot leave the folder", {{"folder", "/"}});
  net::log_info("in the background",
                {{"pid", ::getpid()}, {"log", keep_stderr ? "stderr" : "system log"}});
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null >= 0) {
    ::dup2(null, STDIN_FILENO);
    ::dup2(null, STDOUT_FILENO);
    if (!keep_stderr) ::dup2(null, STDERR_FILENO);
    ::close(null);
  }
  for (const int fd : inherited_) ::close(fd);
  if (!keep_stderr) net::send_log_to_system("ringcache-node");
  [[maybe_unused]] const bool told = write_all(parent_fd_, "!");
  ::close(std::exchange(parent_fd_, -1));
}

// --- the pid file ------------------------------------------------------------------------------

namespace {

// The process id in the file; 0 if there is none.
pid_t read_pid(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return 0;
  std::array<char, 32> text{};
  const ssize_t count = ::read(fd, text.data(), text.size());
  ::close(fd);
  pid_t pid = 0;
  if (count > 0) std::from_chars(text.data(), text.data() + count, pid);
  return pid > 0 ? pid : 0;
}

// Written aside and renamed, so that nobody reads half a number. 0 or an errno.
int write_pid(const std::string& path) {
  const std::string aside = path + ".tmp";
  ::unlink(aside.c_str());
  const int fd = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd < 0) return errno;
  int error = write_all(fd, std::to_string(::getpid()) + '\n') ? 0 : errno;
  ::close(fd);
  if (error == 0 && ::rename(aside.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) ::unlink(aside.c_str());
  return error;
}

}  // namespace

PidFile::PidFile(std::string path) {
  if (path.empty()) return;
  const pid_t other = read_pid(path);
  if (other > 0 && other != ::getpid() && (::kill(other, 0) == 0 || errno == EPERM)) {
    net::log_warn("the pid file names a process that is running; it is replaced",
                  {{"file", path}, {"pid", other}});
  }
  if (const int error = write_pid(path); error != 0) {
    net::log_warn("cannot write the pid file", {{"file", path}, {"cause", reason(error)}});
    return;
  }
  path_ = std::move(path);
}

PidFile::~PidFile() {
  if (!path_.empty() && read_pid(path_) == ::getpid()) ::unlink(path_.c_str());
}

}  // namespace ringcache::store
