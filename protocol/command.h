// The commands of the memcached protocol, as one table.
//
// The parser, the router, the metrics and the documentation all read this table: a command that is
// not a row here does not exist. Immutable, usable from any thread.
//
// Source: memcached 1.6 doc/protocol.txt.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringcache::protocol {

enum class Command : std::uint8_t {
  kGet,
  kGets,
  kGat,
  kGats,
  kSet,
  kAdd,
  kReplace,
  kAppend,
  kPrepend,
  kCas,
  kDelete,
  kIncr,
  kDecr,
  kTouch,
  kMetaGet,
  kMetaSet,
  kMetaDelete,
  kMetaArithmetic,
  kMetaNoop,
  kMetaDebug,
  kFlushAll,
  kVerbosity,
  kVersion,
  kStats,
  kWatch,
  kRefreshCerts,
  kLru,
  kLruCrawler,
  kSlabs,
  kCacheMemlimit,
  kShutdown,
  kQuit,
};
inline constexpr std::size_t kCommandCount = static_cast<std::size_t>(Command::kQuit) + 1;

// What kind of work a command is; routing, failure answers and latency histograms go by it.
enum class CommandClass : std::uint8_t {
  kRead,       // a failed node is a miss: get gets gat gats mg
  kWrite,      // a failed node is an error: set ... touch ms md ma
  kDebugRead,  // reads one key's metadata, never counted as a hit or a miss: me
  kFanOut,     // goes to every node: flush_all stats
  kLocal,      // answered where it arrives: version quit mn, and what an administrator orders
};

struct CommandSpec {
  Command command;
  std::string_view name;  // as on the wire
  CommandClass command_class;
  bool has_value;      // a data block follows the command line
  bool multi_key;      // takes any number of keys
  bool meta;           // meta syntax: <cmd> <key> <flags>*
  bool takes_noreply;  // a trailing "noreply" suppresses the answer
};

// One row per Command, in the order of the enum.
inline constexpr std::array<CommandSpec, kCommandCount> kCommandTable{{
    // command, name, class, has_value, multi_key, meta, takes_noreply
    {Command::kGet, "get", CommandClass::kRead, false, true, false, false},
    {Command::kGets, "gets", CommandClass::kRead, false, true, false, false},
    {Command::kGat, "gat", CommandClass::kRead, false, true, false, false},
    {Command::kGats, "gats", CommandClass::kRead, false, true, false, false},
    {Command::kSet, "set", CommandClass::kWrite, true, false, false, true},
    {Command::kAdd, "add", CommandClass::kWrite, true, false, false, true},
    {Command::kReplace, "replace", CommandClass::kWrite, true, false, false, true},
    {Command::kAppend, "append", CommandClass::kWrite, true, false, false, true},
    {Command::kPrepend, "prepend", CommandClass::kWrite, true, false, false, true},
    {Command::kCas, "cas", CommandClass::kWrite, true, false, false, true},
    {Command::kDelete, "delete", CommandClass::kWrite, false, false, false, true},
    {Command::kIncr, "incr", CommandClass::kWrite, false, false, false, true},
    {Command::kDecr, "decr", CommandClass::kWrite, false, false, false, true},
    {Command::kTouch, "touch", CommandClass::kWrite, false, false, false, true},
    {Command::kMetaGet, "mg", CommandClass::kRead, false, false, true, false},
    {Command::kMetaSet, "ms", CommandClass::kWrite, true, false, true, false},
    {Command::kMetaDelete, "md", CommandClass::kWrite, false, false, true, false},
    {Command::kMetaArithmetic, "ma", CommandClass::kWrite, false, false, true, false},
    {Command::kMetaNoop, "mn", CommandClass::kLocal, false, false, true, false},
    {Command::kMetaDebug, "me", CommandClass::kDebugRead, false, false, true, false},
    {Command::kFlushAll, "flush_all", CommandClass::kFanOut, false, false, false, true},
    {Command::kVerbosity, "verbosity", CommandClass::kLocal, false, false, false, true},
    {Command::kVersion, "version", CommandClass::kLocal, false, false, false, false},
    {Command::kStats, "stats", CommandClass::kFanOut, false, false, false, false},
    {Command::kWatch, "watch", CommandClass::kLocal, false, false, false, true},
    {Command::kRefreshCerts, "refresh_certs", CommandClass::kLocal, false, false, false, false},
    {Command::kLru, "lru", CommandClass::kLocal, false, false, false, true},
    {Command::kLruCrawler, "lru_crawler", CommandClass::kLocal, false, false, false, false},
    {Command::kSlabs, "slabs", CommandClass::kLocal, false, false, false, true},
    {Command::kCacheMemlimit, "cache_memlimit", CommandClass::kLocal, false, false, false, true},
    {Command::kShutdown, "shutdown", CommandClass::kLocal, false, false, false, false},
    {Command::kQuit, "quit", CommandClass::kLocal, false, false, false, false},
}};

constexpr const CommandSpec& spec(Command command) {
  return kCommandTable[static_cast<std::size_t>(command)];
}
constexpr std::string_view name(Command command) {
  return spec(command).name;
}
constexpr bool is_read(Command command) {
  return spec(command).command_class == CommandClass::kRead;
}
constexpr bool is_write(Command command) {
  return spec(command).command_class == CommandClass::kWrite;
}

// The command with this wire name (case-sensitive, as in memcached), or nullptr. At most one
// switch on the length and a few comparisons; no allocation.
const CommandSpec* find_command(std::string_view name);

}  // namespace ringcache::protocol
