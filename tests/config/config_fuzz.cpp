// Any bytes as a configuration: no crash, no endless run; a bad one has errors that can be printed,
// a good one is printed, loads again and prints the same.
//
// With libFuzzer this is a fuzz target, else a program that replays the files and directories it
// is given.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "config/config.h"
#include "config/config_file.h"

namespace {

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

bool has_control_characters(std::string_view text) {
  for (const char c : text) {
    if ((c >= 0 && c < ' ' && c != '\n') || c == 0x7f) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ringcache::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ConfigResult result = load_proxy_config(text, "fuzz.json");
  const std::string messages = format(result.errors) + format(result.warnings);
  require(!has_control_characters(messages), "messages are printable");
  require(!find_invalid_utf8(messages), "messages are UTF-8");
  for (const Diagnostic& error : result.errors) {
    require(!error.message.empty(), "an error says what is wrong");
  }
  if (!result.ok()) return 0;
  const std::string printed = print_proxy_config(result.options);
  const ConfigResult again = load_proxy_config(printed, "again.json");
  require(again.ok(), "a good configuration is good when printed");
  require(print_proxy_config(again.options) == printed, "and is the same");
  return 0;
}

#ifndef RINGCACHE_FUZZ
int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  std::size_t count = 0;
  const auto replay = [&](const fs::path& path) {
    const std::string text = ringcache::config::read_config_file(path).text;
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    ++count;
  };
  for (int i = 1; i < argc; ++i) {
    if (!fs::is_directory(argv[i])) {
      replay(argv[i]);
      continue;
    }
    for (const fs::directory_entry& entry : fs::directory_iterator(argv[i])) {
      if (entry.is_regular_file()) replay(entry.path());
    }
  }
  std::printf("replayed %zu inputs\n", count);
  return count > 0 ? 0 : 1;
}
#endif
