#include "protocol/command.h"

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace ringcache::protocol;

TEST_CASE("every command is found by its name and by nothing near it") {
  for (const CommandSpec& row : kCommandTable) {
    CAPTURE(row.name);
    CHECK(find_command(row.name) == &row);
    const std::string longer = std::string(row.name) + "x";
    const CommandSpec* const other = find_command(longer);
    CHECK((other == nullptr || other->name == longer));
    std::string upper(row.name);
    upper[0] = static_cast<char>(upper[0] - 'a' + 'A');
    CHECK(find_command(upper) == nullptr);
    CHECK(find_command(row.name.substr(0, 1)) == nullptr);
  }
  CHECK(find_command("") == nullptr);
  CHECK(find_command("bget") == nullptr);
  CHECK(find_command("flush_al1") == nullptr);
}

TEST_CASE("the table agrees with itself") {
  for (const CommandSpec& row : kCommandTable) {
    CAPTURE(row.name);
    if (row.multi_key) CHECK(row.command_class == CommandClass::kRead);
    if (row.has_value) CHECK(row.command_class == CommandClass::kWrite);
    if (row.meta) CHECK_FALSE(row.takes_noreply);
    CHECK(is_read(row.command) == (row.command_class == CommandClass::kRead));
    CHECK(is_write(row.command) == (row.command_class == CommandClass::kWrite));
  }
}

}  // namespace
