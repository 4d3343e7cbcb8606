#include "net/log.h"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>
#include <syslog.h>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>
#include <memory>
#include <mutex>
#include <utility>

namespace ringcache::net {

namespace {

constexpr std::array<spdlog::level::level_enum, 5> kSpdlogLevels = {
    spdlog::level::debug, spdlog::level::info, spdlog::level::warn, spdlog::level::err,
    spdlog::level::off};
constexpr std::array<std::string_view, 5> kTextLevels = {"DEBUG", "INFO", "WARN", "ERROR", "OFF"};
constexpr std::array<std::string_view, 5> kLevelNames = {"debug", "info", "warn", "error", "off"};

struct Settings {
  LogOptions options;
  std::string system_name;  // not empty: to the system log
  std::shared_ptr<spdlog::logger> logger;
};

spdlog::sink_ptr make_sink(const LogOptions& options, const std::string& system_name) {
  if (!system_name.empty()) {
    return std::make_shared<spdlog::sinks::syslog_sink_mt>(system_name, LOG_PID, LOG_DAEMON, true);
  }
  if (options.out != nullptr) {
    return std::make_shared<spdlog::sinks::ostream_sink_mt>(*options.out, true);
  }
  return std::make_shared<spdlog::sinks::stderr_sink_mt>();
}

std::shared_ptr<const Settings> make_settings(const LogOptions& options,
                                              const std::string& system_name) {
  spdlog::sink_ptr sink = make_sink(options, system_name);
  auto settings = std::make_shared<Settings>();
  settings->logger = std::make_shared<spdlog::logger>("ringcache", std::move(sink));
  // The line is composed here, since logfmt and JSON need their fields escaped.
  settings->logger->set_pattern("%v");
  settings->logger->set_level(kSpdlogLevels[static_cast<std::size_t>(options.level)]);
  settings->logger->flush_on(spdlog::level::debug);
  settings->options = options;
  settings->system_name = system_name;
  return settings;
}

/// The settings in force. A mutex, because std::atomic<std::shared_ptr> of libstdc++ 12 releases
/// its lock too weakly in load() and races with store(); the level alone answers most calls.
class CurrentSettings {
 public:
  bool enabled(LogLevel level) const {
    return level != LogLevel::kOff && level >= level_.load(std::memory_order_relaxed);
  }
  std::shared_ptr<const Settings> get() {
    const std::lock_guard lock(mutex_);
    return settings_;
  }
  void set(const LogOptions& options, const std::string& system_name = "") {
    auto settings = make_settings(options, system_name);
    const std::lock_guard lock(mutex_);
    settings_ = std::move(settings);
    level_.store(options.level, std::memory_order_relaxed);
  }
  // The sink stays: a second one for the system log would close the first one's way there.
  void set_level(LogLevel level) {
    const std::lock_guard lock(mutex_);
    auto settings = std::make_shared<Settings>(*settings_);
    settings->options.level = level;
    settings->logger->set_level(kSpdlogLevels[static_cast<std::size_t>(level)]);
    settings_ = std::move(settings);
    level_.store(level, std::memory_order_relaxed);
  }

 private:
  std::mutex mutex_;
  std::shared_ptr<const Settings> settings_ = make_settings({}, "");
  std::atomic<LogLevel> level_{LogOptions{}.level};
};

CurrentSettings& current() {
  static CurrentSettings settings;
  return settings;
}

void append_time(std::string& line) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  const std::string fraction = std::to_string(1000 + ms % 1000);
  line.append(text.data(), length).append(".").append(fraction, 1, 3).append("Z");
}

/// JSON's escapes, good in logfmt too. Bytes above 127 are passed through: UTF-8 stays readable.
void append_escaped(std::string& line, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line.append({'\\', c});
    } else if (c == '\n') {
      line += "\\n";
    } else if (c == '\r') {
      line += "\\r";
    } else if (c == '\t') {
      line += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      line.append("\\u00").append({kHex[byte >> 4], kHex[byte & 15]});
    } else {
      line += c;
    }
  }
}

void append_quoted(std::string& line, std::string_view text) {
  line += '"';
  append_escaped(line, text);
  line += '"';
}

bool needs_quotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f || c == '"' || c == '=' || c == '\\') return true;
  }
  return false;
}

std::string text_line(LogLevel level, std::string_view message,
                      std::initializer_list<LogField> fields, bool with_time) {
  std::string line;
  if (with_time) {
    append_time(line);
    line += ' ';
  }
  line.append(kTextLevels[static_cast<std::size_t>(level)]).append(" ");
  append_escaped(line, message);
  for (const LogField& field : fields) {
    line.append(" ").append(field.key()).append("=");
    if (field.quoted() && needs_quotes(field.text())) {
      append_quoted(line, field.text());
    } else {
      line += field.text();
    }
  }
  return line;
}

std::string json_line(LogLevel level, std::string_view message,
                      std::initializer_list<LogField> fields) {
  std::string line = "{\"time\":\"";
  append_time(line);
  line.append("\",\"level\":\"").append(kLevelNames[static_cast<std::size_t>(level)]);
  line += "\",\"message\":";
  append_quoted(line, message);
  for (const LogField& field : fields) {
    line += ',';
    append_quoted(line, field.key());
    line += ':';
    if (field.quoted()) {
      append_quoted(line, field.text());
    } else {
      line += field.text();
    }
  }
  return line + '}';
}

template <typename Value, std::size_t kCount>
std::optional<Value> by_name(const std::array<std::string_view, kCount>& names,
                             std::string_view name) {
  for (std::size_t index = 0; index < kCount; ++index) {
    if (names[index] == name) return static_cast<Value>(index);
  }
  return std::nullopt;
}

}  // namespace

std::optional<LogLevel> parse_log_level(std::string_view name) {
  return by_name<LogLevel>(kLevelNames, name);
}

std::optional<LogFormat> parse_log_format(std::string_view name) {
  return by_name<LogFormat>(std::array<std::string_view, 2>{"text", "json"}, name);
}

LogField::LogField(std::string_view key, double value) : key_(key) {
  if (!std::isfinite(value)) {  // JSON has no word for it
    text_ = std::isnan(value) ? "nan" : (value > 0 ? "inf" : "-inf");
    quoted_ = true;
    return;
  }
  std::array<char, 32> text{};
  const auto [end, code] =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 6);
  text_.assign(text.data(), end);
}

void set_up_log(const LogOptions& options) {
  current().set(options);
}

void set_log_level(LogLevel level) {
  current().set_level(level);
}

void send_log_to_system(const std::string& name) {
  current().set(current().get()->options, name);
}

bool log_enabled(LogLevel level) {
  return current().enabled(level);
}

void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!current().enabled(level)) return;
  const std::shared_ptr<const Settings> settings = current().get();
  const bool with_time = settings->system_name.empty();
  const std::string line = settings->options.format == LogFormat::kJson
                               ? json_line(level, message, fields)
                               : text_line(level, message, fields, with_time);
  settings->logger->log(kSpdlogLevels[static_cast<std::size_t>(level)],
                        spdlog::string_view_t(line));
}

void log_debug(std::string_view message, std::initializer_list<LogField> fields) {
  log(LogLevel::kDebug, message, fields);
}
void log_info(std::string_view message, std::initializer_list<LogField> fields) {
  log(LogLevel::kInfo, message, fields);
}
void log_warn(std::string_view message, std::initializer_list<LogField> fields) {
  log(LogLevel::kWarn, message, fields);
}
void log_error(std::string_view message, std::initializer_list<LogField> fields) {
  log(LogLevel::kError, message, fields);
}

std::optional<std::uint64_t> LogLimiter::admit(SteadyNs now) {
  const std::lock_guard lock(mutex_);
  if (last_ && now - *last_ < interval_ns_) {
    ++suppressed_;
    return std::nullopt;
  }
  last_ = now;
  return std::exchange(suppressed_, 0);
}

}  // namespace ringcache::net
