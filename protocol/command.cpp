#include "protocol/command.h"

#include <initializer_list>

namespace ringcache::protocol {

namespace {

constexpr bool table_is_in_enum_order() {
  for (std::size_t i = 0; i < kCommandTable.size(); ++i) {
    if (static_cast<std::size_t>(kCommandTable[i].command) != i) return false;
  }
  return true;
}
static_assert(table_is_in_enum_order(), "kCommandTable must list commands in the enum's order");

const CommandSpec* first_named(std::string_view word, std::initializer_list<Command> candidates) {
  for (const Command command : candidates) {
    if (name(command) == word) return &kCommandTable[static_cast<std::size_t>(command)];
  }
  return nullptr;
}

}  // namespace

const CommandSpec* find_command(std::string_view word) {
  switch (word.size()) {
    case 2:
      return first_named(word, {Command::kMetaGet, Command::kMetaSet, Command::kMetaDelete,
                                Command::kMetaArithmetic, Command::kMetaNoop, Command::kMetaDebug});
    case 3:
      return first_named(word, {Command::kGet, Command::kSet, Command::kAdd, Command::kGat,
                                Command::kCas, Command::kLru});
    case 4:
      return first_named(
          word, {Command::kGets, Command::kIncr, Command::kDecr, Command::kGats, Command::kQuit});
    case 5:
      return first_named(word,
                         {Command::kTouch, Command::kStats, Command::kWatch, Command::kSlabs});
    case 6:
      return first_named(word, {Command::kDelete, Command::kAppend});
    case 7:
      return first_named(word, {Command::kReplace, Command::kPrepend, Command::kVersion});
    case 8:
      return first_named(word, {Command::kShutdown});
    case 9:
      return first_named(word, {Command::kFlushAll, Command::kVerbosity});
    case 11:
      return first_named(word, {Command::kLruCrawler});
    case 14:
      return first_named(word, {Command::kCacheMemlimit});
    case 13:
      return first_named(word, {Command::kRefreshCerts});
    default:
      return nullptr;
  }
}

}  // namespace ringcache::protocol
