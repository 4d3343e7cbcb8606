#include "net/credentials.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

#include "net/secret.h"

namespace ringcache::net {

namespace {

// All lines at their longest, and one more so that it is named.
constexpr std::size_t kFileBytesMax = (kCredentialsMax + 1) * (kCredentialLineBytesMax + 2);

// What is wrong with a line, or nothing. A client sends both words apart by a space, so one with a
// space in it could never be sent.
std::string_view fault_of(std::string_view line) {
  if (line.size() > kCredentialLineBytesMax) return "longer than 255 bytes";
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return "not of the form name:password";
  if (colon == 0) return "without a name";
  if (colon + 1 == line.size()) return "without a password";
  if (line.find_first_of(std::string_view(" \0", 2)) != std::string_view::npos) {
    return "a name or password with a space or a zero byte, which no client can send";
  }
  return "";
}

}  // namespace

std::optional<std::string> Credentials::load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return path + ": " + std::generic_category().message(errno);
  // Bounded: the path may name anything, /dev/zero too.
  std::string text(kFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return path + ": cannot be read";
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kFileBytesMax) {
    return path + ": more than " + std::to_string(kFileBytesMax) + " bytes";
  }
  std::vector<Entry> entries;
  std::string_view rest = text;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string at = path + ":" + std::to_string(number) + ": ";
    const std::string_view fault = fault_of(line);
    if (!fault.empty()) return at + std::string(fault);
    if (entries.size() == kCredentialsMax) {
      return at + "more than " + std::to_string(kCredentialsMax) + " lines";
    }
    const std::size_t colon = line.find(':');
    entries.push_back({std::string(line.substr(0, colon)), std::string(line.substr(colon + 1))});
  }
  if (entries.empty()) return path + ":1: no line name:password";
  entries_ = std::move(entries);
  return std::nullopt;
}

bool Credentials::match(std::string_view name, std::string_view password) const {
  bool found = false;
  for (const Entry& entry : entries_) {
    const bool same_name = equal_secrets(name, entry.name);
    const bool same_password = equal_secrets(password, entry.password);
    found |= same_name && same_password;
  }
  return found;
}

std::optional<std::string> CredentialFile::reload() {
  auto fresh = std::make_shared<Credentials>();
  if (auto error = fresh->load(path_)) return error;
  const std::lock_guard lock(mutex_);
  current_ = std::move(fresh);
  return std::nullopt;
}

std::shared_ptr<const Credentials> CredentialFile::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

}  // namespace ringcache::net
