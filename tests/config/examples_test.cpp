// Every example: good/ and config/*.json load, bad/ gives exactly the messages of its .expected
// file, and the files made from the tables of fields are up to date.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/config_file.h"
#include "config/reference.h"

namespace {

using namespace ringcache::config;
namespace fs = std::filesystem;

const fs::path kSource = RINGCACHE_SOURCE_DIR;

std::vector<fs::path> json_files(const fs::path& directory) {
  std::vector<fs::path> result;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    const fs::path& path = entry.path();
    const bool is_schema = path.native().ends_with(".schema.json");
    if (path.extension() == ".json" && !is_schema) result.push_back(path);
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::string read(const fs::path& path) {
  const ConfigFile file = read_config_file(path);
  REQUIRE_MESSAGE(file.ok(), path);
  return file.text;
}

void check_good(const fs::path& path) {
  CAPTURE(path);
  const ConfigResult result = load_proxy_config_file(path);
  REQUIRE_MESSAGE(result.ok(), format(result.errors));
  const std::string printed = print_proxy_config(result.options);
  const ConfigResult again = load_proxy_config(printed, "printed");
  REQUIRE_MESSAGE(again.ok(), format(again.errors));
  CHECK(print_proxy_config(again.options) == printed);
}

}  // namespace

TEST_CASE("the shipped examples are good, and warn of nothing") {
  const std::vector<fs::path> files = json_files(kSource / "config");
  CHECK(files.size() >= 4);
  for (const fs::path& path : files) {
    check_good(path);
    CHECK(load_proxy_config_file(path).warnings.empty());
  }
}

TEST_CASE("proxy.json has every field, with its default") {
  // What it says beside the defaults are its nodes and its pool's name.
  const ConfigResult whole = load_proxy_config_file(kSource / "config/proxy.json");
  const ConfigResult minimal = load_proxy_config(
      R"({"pools": {"main": {"nodes": ["10.0.0.11:11211",
          {"name": "cache-b", "address": "10.0.0.12:11211"}]}}})",
      "minimal");
  REQUIRE(whole.ok());
  REQUIRE(minimal.ok());
  CHECK(print_proxy_config(whole.options) == print_proxy_config(minimal.options));

  // And no key that is printed is missing in its text.
  const std::string text = read(kSource / "config/proxy.json");
  const std::string printed = print_proxy_config(minimal.options);
  for (std::size_t at = 0; (at = printed.find("\": ", at)) != printed.npos; ++at) {
    const std::size_t begin = printed.rfind('"', at - 1);
    const std::string key = printed.substr(begin, at + 1 - begin);
    CHECK_MESSAGE(text.find(key) != text.npos, key);
  }
}

TEST_CASE("good examples") {
  const std::vector<fs::path> files = json_files(kSource / "tests/config/good");
  CHECK(files.size() >= 10);
  for (const fs::path& path : files) check_good(path);
}

TEST_CASE("bad examples give exactly the messages that are expected") {
  const std::vector<fs::path> files = json_files(kSource / "tests/config/bad");
  CHECK(files.size() >= 35);
  for (const fs::path& path : files) {
    CAPTURE(path);
    const std::string text = read(path);
    const ConfigResult result = load_proxy_config(text, path.filename().native());
    CHECK_FALSE(result.ok());
    fs::path expected = path;
    expected.replace_extension(".expected");
    CHECK(format(result.errors) + format(result.warnings) == read(expected));
  }
}

TEST_CASE("the README has a row for every ring, with its own hash") {
  const std::string readme = read(kSource / "config/README.md");
  for (std::size_t i = 0; i < ringcache::routing::kRingKindCount; ++i) {
    const auto ring = static_cast<ringcache::routing::RingKind>(i);
    const std::string row_begin = "\n| `" + std::string(name(ring)) + "` | ";
    const std::size_t begin = readme.find(row_begin);
    REQUIRE_MESSAGE(begin != readme.npos, row_begin);
    const std::string row = readme.substr(begin, readme.find('\n', begin + 1) - begin);
    const std::string hash = "| `" + std::string(name(default_hash(ring))) + "` |";
    CHECK_MESSAGE(row.ends_with(hash), row);
  }
}

TEST_CASE("files made from the tables of fields are up to date") {
  // To update them: config_tool schema, config_tool reference.
  CHECK(print_proxy_schema() == read(kSource / "config/proxy.schema.json"));
  CHECK(read(kSource / "config/README.md").find(reference_markdown()) != std::string::npos);
}
