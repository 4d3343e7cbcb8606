// Who may include whom: reads the #include lines of every source file and checks them against the
// table below, which says the same as the link lists of the CMake files. A change of structure is a
// change of this table, to be read as such in review.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

// A part of the tree with rules of its own.
struct Part {
  std::string name;
  Names folders;    // project headers that begin so may be included
  Names libraries;  // <headers> that begin so; the standard library always may
};

// Headers of the operating system that need no library.
const Names kSystem = {"arpa/",  "dirent.h",  "fcntl.h", "link.h", "linux/",   "netinet/",
                       "poll.h", "pthread.h", "sched.h", "sys/",   "syslog.h", "unistd.h"};

const Part kProtocol{"protocol", {"protocol/"}, {}};
const Part kRouting{"routing", {"routing/", "protocol/command.h"}, {"openssl/md5.h", "xxhash.h"}};
const Part kEngine{"store engine", {"store/"}, {"sys/mman.h", "unistd.h", "pthread.h"}};
const Part kNode{"node",
                 {"store/", "protocol/", "net/"},
                 {"CLI/", "sys/", "netinet/", "arpa/", "fcntl.h", "grp.h", "linux/capability.h",
                  "pthread.h", "pwd.h", "unistd.h"}};
const Part kNet{
    "net",
    {"net/"},
    {"asio/", "asio.hpp", "openssl/", "spdlog/", "prometheus/", "httplib.h", "systemd/"}};
const Part kProxy{
    "proxy", {"proxy/", "protocol/", "routing/", "net/"}, {"sys/", "poll.h", "unistd.h"}};
const Part kProxyMain{"proxy main",
                      {"proxy/", "protocol/", "routing/", "net/", "config/"},
                      {"CLI/", "sys/", "poll.h", "unistd.h"}};
const Part kConfig{"config",
                   {"config/", "routing/", "proxy/proxy_options.h"},
                   {"nlohmann/", "sys/", "fcntl.h", "unistd.h"}};

bool begins_with_any(std::string_view text, const Names& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) { return text.starts_with(prefix); });
}

std::string folder_of(std::string_view path) {
  return std::string(path.substr(0, path.find('/')));
}

// Whether a file of store/ belongs to the node around the engine.
bool is_node_file(std::string_view path) {
  return begins_with_any(path, {"store/executor", "store/node", "store/main."});
}

const Part& part_of(const std::string& path) {
  static const std::map<std::string, const Part*> kParts = {
      {"protocol", &kProtocol}, {"routing", &kRouting}, {"net", &kNet},
      {"proxy", &kProxy},       {"config", &kConfig},   {"store", &kEngine}};
  if (is_node_file(path)) return kNode;
  if (begins_with_any(path, {"proxy/main.", "proxy/command_line", "proxy/application"}))
    return kProxyMain;
  return *kParts.at(folder_of(path));
}

struct Include {
  std::string header;
  bool quoted;
};

struct File {
  std::string path;  // from the root: "net/listener.h"
  std::string text;
  std::vector<Include> includes;
};

std::vector<Include> includes_in(const std::string& text) {
  std::vector<Include> found;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line(text.data() + begin, end - begin);
    begin = end + 1;
    if (!line.starts_with("#include ") || line.size() < 12) continue;
    const bool quoted = line[9] == '"';
    const std::size_t close = line.find(quoted ? '"' : '>', 10);
    REQUIRE(close != std::string_view::npos);
    found.push_back({std::string(line.substr(10, close - 10)), quoted});
  }
  return found;
}

const std::vector<File>& files() {
  static const std::vector<File> kFiles = [] {
    std::vector<File> all;
    const fs::path root = RINGCACHE_SOURCE_DIR;
    for (const char* folder : {"protocol", "routing", "store", "net", "proxy", "config"}) {
      for (const fs::directory_entry& entry : fs::directory_iterator(root / folder)) {
        const std::string extension = entry.path().extension();
        if (extension != ".h" && extension != ".cpp") continue;
        std::ifstream stream(entry.path(), std::ios::binary);
        std::string text((std::istreambuf_iterator<char>(stream)), {});
        auto includes = includes_in(text);
        all.push_back({std::string(folder) + "/" + entry.path().filename().string(),
                       std::move(text), std::move(includes)});
      }
    }
    return all;
  }();
  return kFiles;
}

bool is_standard(std::string_view header) {
  return header.find_first_of("./") == std::string_view::npos;
}

bool may_include(const std::string& path, const Include& include) {
  const Part& part = part_of(path);
  if (include.quoted) return begins_with_any(include.header, part.folders);
  if (is_standard(include.header) || begins_with_any(include.header, part.libraries)) return true;
  return &part == &kNet && begins_with_any(include.header, kSystem);
}

}  // namespace

TEST_CASE("the tree is where the test looks for it") {
  std::map<std::string, int> count;
  for (const File& file : files()) ++count[folder_of(file.path)];
  for (const char* folder : {"protocol", "routing", "store", "net", "proxy", "config"}) {
    CHECK_MESSAGE(count[folder] > 3, folder);
  }
}

TEST_CASE("each folder includes only what its rule allows") {
  for (const File& file : files()) {
    for (const Include& include : file.includes) {
      CHECK_MESSAGE(may_include(file.path, include), file.path << " (" << part_of(file.path).name
                                                               << ") includes " << include.header);
    }
  }
}

TEST_CASE("project headers are named from the root, in quotes, and exist") {
  const fs::path root = RINGCACHE_SOURCE_DIR;
  for (const File& file : files()) {
    for (const Include& include : file.includes) {
      const bool ours = fs::is_directory(root / folder_of(include.header)) &&
                        include.header.find('/') != std::string::npos;
      CHECK_MESSAGE(include.quoted == ours, file.path << ": " << include.header);
      if (include.quoted) CHECK_MESSAGE(fs::exists(root / include.header), include.header);
    }
  }
}

TEST_CASE("the engine knows nothing of the node around it") {
  for (const File& file : files()) {
    if (&part_of(file.path) != &kEngine) continue;
    for (const Include& include : file.includes) {
      CHECK_MESSAGE(!is_node_file(include.header), file.path << " includes " << include.header);
    }
  }
}

TEST_CASE("nobody includes a main or the tests") {
  for (const File& file : files()) {
    for (const Include& include : file.includes) {
      CHECK_MESSAGE(include.header.find("main.") == std::string::npos, file.path);
      CHECK_MESSAGE(!include.header.starts_with("tests/"), file.path);
    }
  }
}

TEST_CASE("protocol, routing and the engine are functions of their arguments: no clock") {
  for (const File& file : files()) {
    const Part* part = &part_of(file.path);
    if (part != &kProtocol && part != &kRouting && part != &kEngine) continue;
    for (const char* clock : {"_clock::now", "clock_gettime", "gettimeofday", "time(nullptr)"}) {
      CHECK_MESSAGE(file.text.find(clock) == std::string::npos, file.path << ": " << clock);
    }
  }
}

TEST_CASE("no header includes itself by way of others") {
  std::map<std::string, Names> includes;
  for (const File& file : files()) {
    for (const Include& include : file.includes) {
      if (include.quoted) includes[file.path].push_back(include.header);
    }
  }
  for (const auto& [start, direct] : includes) {
    if (!start.ends_with(".h")) continue;
    std::set<std::string> reached;
    Names open = direct;
    while (!open.empty()) {
      const std::string next = open.back();
      open.pop_back();
      if (!reached.insert(next).second) continue;
      const auto found = includes.find(next);
      if (found != includes.end())
        open.insert(open.end(), found->second.begin(), found->second.end());
    }
    CHECK_MESSAGE(!reached.contains(start), start);
  }
}

TEST_CASE("every header can be included twice and says what it is") {
  for (const File& file : files()) {
    if (!file.path.ends_with(".h")) continue;
    CHECK_MESSAGE(file.text.find("#pragma once\n") != std::string::npos, file.path);
    CHECK_MESSAGE(file.text.find("// ") != std::string::npos, file.path);
  }
}
