// What the tests and the maintainers of config/ want printed.
//
//   config_tool print FILE...  each configuration with all defaults, or its errors; one JSON a file
//   config_tool schema         config/proxy.schema.json
//   config_tool reference      the table of config/README.md
#include <cstdio>
#include <string>
#include <string_view>

#include "config/config.h"
#include "config/reference.h"

namespace {

void write(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace ringcache::config;
  const std::string_view command = argc > 1 ? argv[1] : "";
  bool good = true;
  if (command == "schema") {
    write(print_proxy_schema());
  } else if (command == "reference") {
    write(reference_markdown());
  } else if (command == "print" && argc > 2) {
    for (int i = 2; i < argc; ++i) {
      const ConfigResult result = load_proxy_config_file(argv[i]);
      write(result.ok() ? print_proxy_config(result.options) : format(result.errors));
      good = good && result.ok();
    }
  } else {
    std::fputs("usage: config_tool print FILE... | schema | reference\n", stderr);
    return 2;
  }
  return good ? 0 : 78;
}
