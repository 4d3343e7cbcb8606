#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/connection.h"
#include "tests/net/net_fixture.h"

namespace ringcache::net::testing {

/// A handler made of functions; those that are empty do what the base class does.
struct Script {
  std::function<void(Connection&)> bytes;
  std::function<void(Connection&)> drained;
  std::function<void(Connection&)> end_of_input;
  Mailbox<CloseInfo> closed;
};

class ScriptedHandler : public ConnectionHandler {
 public:
  explicit ScriptedHandler(Script& script) : script_(script) {}
  void on_bytes(Connection& connection) override { script_.bytes(connection); }
  void on_closed(Connection&, const CloseInfo& info) override { script_.closed.put(info); }
  void on_drained(Connection& connection) override {
    if (script_.drained) script_.drained(connection);
  }
  void on_end_of_input(Connection& connection) override {
    if (!script_.end_of_input) return ConnectionHandler::on_end_of_input(connection);
    script_.end_of_input(connection);
  }

 private:
  Script& script_;
};

inline HandlerFactory scripted(Script& script) {
  return [&script](Connection&) { return std::make_unique<ScriptedHandler>(script); };
}

inline void echo(Connection& connection) {
  connection.out().append(connection.in().bytes());
  connection.in().consume(connection.in().size());
}

/// The next line of the input, without its end; false if there is none.
inline bool take_line(Connection& connection, std::string& line) {
  const std::string_view bytes = connection.in().bytes();
  const std::size_t end = bytes.find('\n');
  if (end == std::string_view::npos) return false;
  line = bytes.substr(0, end);
  connection.in().consume(end + 1);
  return true;
}

inline CloseReason reason_of(Script& script) {
  const std::optional<CloseInfo> info = script.closed.take();
  REQUIRE(info.has_value());
  return info->reason;
}

}  // namespace ringcache::net::testing
