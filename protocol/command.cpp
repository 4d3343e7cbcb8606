#include "protocol/command.h"

namespace ringcache::protocol {

namespace {
constexpr bool table_is_in_enum_order() {
  for (std::size_t i = 0; i < kCommandTable.size(); ++i) {
    if (static_cast<std::size_t>(kCommandTable[i].command) != i) return false;
  }
  return true;
}
static_assert(table_is_in_enum_order(), "kCommandTable must list commands in the enum's order");
}  // namespace

const CommandSpec* find_command(std::string_view name) {
  for (const CommandSpec& row : kCommandTable) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace ringcache::protocol
