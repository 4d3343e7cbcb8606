#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "net/clock.h"

/// The log: stderr, one line an event, written at once (a crash loses nothing). A process without a
/// terminal sends it to the system log.
///
///     log(LogLevel::kWarn, "node ejected", {{"pool", pool}, {"node", name}, {"failures", 3}});
///
///     2026-11-23T10:15:04.123Z WARN node ejected pool=main node=cache-b failures=3
///     {"time":"2026-11-23T10:15:04.123Z","level":"warn","message":"node
///     ejected","pool":"main",...}
///
/// Values with spaces, quotes, `=` or control characters are quoted and escaped, so a value from
/// outside cannot forge a line. Nothing per request above debug; no keys or values of clients.
/// Any thread.
namespace ringcache::net {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError, kOff };
enum class LogFormat : std::uint8_t { kText, kJson };

/// `debug`, `info`, `warn`, `error`, `off`; nothing for other names.
std::optional<LogLevel> parse_log_level(std::string_view name);
std::optional<LogFormat> parse_log_format(std::string_view name);  ///< `text`, `json`

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
  /// Where to; nullptr = stderr. Must outlive the last log call (tests).
  std::ostream* out = nullptr;
};

/// May be called again at any time; lines in flight keep the old settings. Without it: the
/// defaults.
void set_up_log(const LogOptions& options);
/// Only the level; where the lines go and how they look stays.
void set_log_level(LogLevel level);
/// From now on lines go to syslog(3), facility daemon, under this name and without their time,
/// which the system log has itself; level and format stay. `name` is kept for the process's life.
void send_log_to_system(const std::string& name);
bool log_enabled(LogLevel level);

/// One key=value of a line.
class LogField {
 public:
  LogField(std::string_view key, std::string_view value) : key_(key), text_(value), quoted_(true) {}
  LogField(std::string_view key, const char* value) : LogField(key, std::string_view(value)) {}
  LogField(std::string_view key, const std::string& value)
      : LogField(key, std::string_view(value)) {}
  LogField(std::string_view key, bool value) : key_(key), text_(value ? "true" : "false") {}
  LogField(std::string_view key, std::integral auto value)
      : key_(key), text_(std::to_string(value)) {}
  LogField(std::string_view key, double value);

  std::string_view key() const { return key_; }
  const std::string& text() const { return text_; }
  bool quoted() const { return quoted_; }  ///< a string in JSON

 private:
  std::string_view key_;
  std::string text_;
  bool quoted_ = false;
};

void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});
void log_debug(std::string_view message, std::initializer_list<LogField> fields = {});
void log_info(std::string_view message, std::initializer_list<LogField> fields = {});
void log_warn(std::string_view message, std::initializer_list<LogField> fields = {});
void log_error(std::string_view message, std::initializer_list<LogField> fields = {});

/// Keeps a repeated event from flooding the log: at most one line per `interval`, which says how
/// many were left out.
///
///     if (auto suppressed = limiter.admit(now)) log_warn("...", {..., {"suppressed",
///     *suppressed}});
///
/// Any thread. Time is an input.
class LogLimiter {
 public:
  explicit LogLimiter(std::chrono::nanoseconds interval = std::chrono::seconds(10))
      : interval_ns_(interval.count()) {}
  /// The number of lines left out since the last admitted one; nothing: leave this one out too.
  std::optional<std::uint64_t> admit(SteadyNs now);

 private:
  const std::int64_t interval_ns_;
  std::mutex mutex_;
  std::optional<SteadyNs> last_;
  std::uint64_t suppressed_ = 0;
};

}  // namespace ringcache::net
