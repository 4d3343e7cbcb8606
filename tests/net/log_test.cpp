#include "net/log.h"

#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>
#include <thread>

using namespace ringcache::net;
using namespace std::chrono_literals;

namespace {

/// Captures what is logged; the default settings come back at the end.
class Capture {
 public:
  explicit Capture(LogLevel level = LogLevel::kInfo, LogFormat format = LogFormat::kText) {
    set_up_log({level, format, &out_});
  }
  ~Capture() { set_up_log({}); }
  std::string text() const { return out_.str(); }
  /// Without the time.
  std::string rest() const { return out_.str().substr(25); }

 private:
  std::ostringstream out_;
};

}  // namespace

TEST_CASE("a line is time, level, message, fields") {
  const Capture capture;
  log_warn("node ejected",
           {{"pool", "main"}, {"failures", 3}, {"ring_moved", 0.331}, {"last", false}});
  CHECK(std::regex_match(capture.text(),
                         std::regex("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z WARN "
                                    "node ejected pool=main failures=3 ring_moved=0.331 "
                                    "last=false\n")));
}

TEST_CASE("the level changes alone") {
  const Capture capture(LogLevel::kInfo, LogFormat::kJson);
  log_debug("left out");
  set_log_level(LogLevel::kDebug);
  log_debug("shown");
  CHECK(capture.text().find("left out") == std::string::npos);
  CHECK(capture.text().find("\"message\":\"shown\"") != std::string::npos);
  set_log_level(LogLevel::kOff);
  CHECK_FALSE(log_enabled(LogLevel::kError));
}

TEST_CASE("values from outside cannot forge a line or a field") {
  const Capture capture;
  log_info("x", {{"a", "two words"},
                 {"b", "q\"uo\\te"},
                 {"c", "line\nERROR forged"},
                 {"d", ""},
                 {"e", "k=v"},
                 {"f", std::string("\x01\x7f\t\r")},
                 {"g", "h\xc3\xa4ll"}});
  CHECK(capture.rest() ==
        "INFO x a=\"two words\" b=\"q\\\"uo\\\\te\" c=\"line\\nERROR forged\" d=\"\" e=\"k=v\" "
        "f=\"\\u0001\\u007f\\t\\r\" g=h\xc3\xa4ll\n");
}

TEST_CASE("JSON lines parse and keep their types") {
  const Capture capture(LogLevel::kDebug, LogFormat::kJson);
  log_error("it \"broke\"", {{"node", "a\nb"},
                             {"count", 7},
                             {"ok", true},
                             {"ratio", 0.5},
                             {"bad", std::numeric_limits<double>::infinity()}});
  const auto line = nlohmann::json::parse(capture.text());
  CHECK(line["level"] == "error");
  CHECK(line["message"] == "it \"broke\"");
  CHECK(line["node"] == "a\nb");
  CHECK(line["count"] == 7);
  CHECK(line["ok"] == true);
  CHECK(line["ratio"] == 0.5);
  CHECK(line["bad"] == "inf");
  CHECK(line["time"].get<std::string>().size() == 24);
}

TEST_CASE("levels") {
  const Capture capture(LogLevel::kWarn);
  log_debug("no");
  log_info("no");
  log_warn("yes");
  log_error("yes");
  CHECK_FALSE(log_enabled(LogLevel::kInfo));
  CHECK(log_enabled(LogLevel::kError));
  CHECK(capture.text().find("no\n") == std::string::npos);
  CHECK(capture.text().find("WARN yes\n") != std::string::npos);
  CHECK(capture.text().find("ERROR yes\n") != std::string::npos);
  CHECK(parse_log_level("warn") == LogLevel::kWarn);
  CHECK(parse_log_level("loud") == std::nullopt);
  CHECK(parse_log_format("json") == LogFormat::kJson);
  CHECK(parse_log_format("xml") == std::nullopt);
}

TEST_CASE("nothing is written when the log is off") {
  const Capture capture(LogLevel::kOff);
  log_error("no");
  log(LogLevel::kOff, "no");
  CHECK(capture.text().empty());
}

TEST_CASE("the log may be set up anew while others write to it") {
  std::ostringstream out;
  const LogOptions options{.level = LogLevel::kInfo, .format = LogFormat::kText, .out = &out};
  set_up_log(options);
  constexpr int kLines = 500;
  const auto write = [] {
    for (int i = 0; i < kLines; ++i) log_debug("left out");
  };
  std::thread one(write);
  std::thread two(write);
  for (int i = 0; i < kLines; ++i) set_up_log(options);
  one.join();
  two.join();
  CHECK(out.str().empty());
  set_up_log({});
}

TEST_CASE("a repeated event is written once an interval, with the number left out") {
  LogLimiter limiter(10s);
  const SteadyNs second = 1'000'000'000;
  CHECK(limiter.admit(0) == 0);
  CHECK(limiter.admit(1 * second) == std::nullopt);
  CHECK(limiter.admit(9 * second) == std::nullopt);
  CHECK(limiter.admit(10 * second) == 2);
  CHECK(limiter.admit(30 * second) == 0);
}
