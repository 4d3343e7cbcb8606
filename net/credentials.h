#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The names and passwords of a file, as memcached's -Y reads it: a line `name:password` each.
///
/// Source: memcached 1.6.18 doc/protocol.txt, section "Authentication", and its -Y option.
namespace ringcache::net {

/// The same as memcached's. A file with more is refused instead of read in part.
inline constexpr std::size_t kCredentialsMax = 8;
inline constexpr std::size_t kCredentialLineBytesMax = 255;

class Credentials {
 public:
  /// What is wrong, naming `path` and the line, or nothing. Never shows what the line says. An
  /// empty file is an error: nobody could use the node.
  [[nodiscard]] std::optional<std::string> load(const std::string& path);

  /// Takes as long for a wrong password as for the right one.
  bool match(std::string_view name, std::string_view password) const;

  struct Entry {
    std::string name;
    std::string password;
  };
  std::size_t size() const { return entries_.size(); }
  const Entry& entry(std::size_t index) const { return entries_[index]; }

 private:
  std::vector<Entry> entries_;
};

/// The credentials in force. A reload replaces all of them or, if the file is wrong, none. Any
/// thread.
class CredentialFile {
 public:
  explicit CredentialFile(std::string path) : path_(std::move(path)) {}

  /// As Credentials::load; what was in force stays when something is wrong.
  [[nodiscard]] std::optional<std::string> reload();
  /// REQUIRES a reload() that went well.
  std::shared_ptr<const Credentials> current() const;
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Credentials> current_;  // under mutex_
};

}  // namespace ringcache::net
