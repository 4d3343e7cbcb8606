#include "proxy/proxy_counters.h"

#include <doctest/doctest.h>

#include "net/metrics.h"
#include "proxy/proxy_metrics.h"

namespace ringcache::proxy {

using protocol::Command;
using protocol::ResponseStatus;

TEST_CASE("every answer that a command can have has its row") {
  const struct {
    Command command;
    ResponseStatus status;
    CommandStatus counted;
  } rows[] = {
      {Command::kGet, ResponseStatus::kValue, CommandStatus::kHit},
      {Command::kGet, ResponseStatus::kEnd, CommandStatus::kMiss},
      {Command::kMetaGet, ResponseStatus::kMetaHit, CommandStatus::kHit},
      {Command::kMetaGet, ResponseStatus::kMetaValue, CommandStatus::kHit},
      {Command::kMetaGet, ResponseStatus::kMetaMiss, CommandStatus::kMiss},
      {Command::kSet, ResponseStatus::kStored, CommandStatus::kStored},
      {Command::kAdd, ResponseStatus::kNotStored, CommandStatus::kNotStored},
      {Command::kCas, ResponseStatus::kExists, CommandStatus::kExists},
      {Command::kCas, ResponseStatus::kNotFound, CommandStatus::kNotFound},
      {Command::kMetaSet, ResponseStatus::kMetaHit, CommandStatus::kStored},
      {Command::kMetaSet, ResponseStatus::kMetaNotStored, CommandStatus::kNotStored},
      {Command::kMetaSet, ResponseStatus::kMetaExists, CommandStatus::kExists},
      {Command::kMetaSet, ResponseStatus::kMetaNotFound, CommandStatus::kNotFound},
      {Command::kDelete, ResponseStatus::kDeleted, CommandStatus::kDeleted},
      {Command::kMetaDelete, ResponseStatus::kMetaHit, CommandStatus::kDeleted},
      {Command::kMetaDelete, ResponseStatus::kMetaExists, CommandStatus::kExists},
      {Command::kIncr, ResponseStatus::kNumber, CommandStatus::kOk},
      {Command::kMetaArithmetic, ResponseStatus::kMetaValue, CommandStatus::kOk},
      {Command::kTouch, ResponseStatus::kTouched, CommandStatus::kTouched},
      {Command::kMetaDebug, ResponseStatus::kMetaDebug, CommandStatus::kOk},
      {Command::kMetaDebug, ResponseStatus::kMetaMiss, CommandStatus::kMiss},
      {Command::kSet, ResponseStatus::kServerError, CommandStatus::kError},
  };
  for (const auto& row : rows) {
    CAPTURE(protocol::name(row.command));
    CHECK(command_status(row.command, row.status) == row.counted);
    CHECK(can_end_as(row.command, row.counted));
  }
  CHECK_FALSE(can_end_as(Command::kGet, CommandStatus::kStored));
  CHECK_FALSE(can_end_as(Command::kSet, CommandStatus::kHit));
}

TEST_CASE("totals add up the workers, and hits are those of every read") {
  PoolCounters one;
  PoolCounters two;
  one.count(Command::kGet, CommandStatus::kHit, 3);
  two.count(Command::kMetaGet, CommandStatus::kHit);
  two.count(Command::kGats, CommandStatus::kMiss, 2);
  two.count(Command::kSet, CommandStatus::kStored, 9);
  PoolTotals totals;
  totals.add(one);
  totals.add(two);
  CHECK(totals.hits() == 4);
  CHECK(totals.misses() == 2);
}

TEST_CASE("a set of counters is found again by its names") {
  WorkerCounters counters;
  NodeCounters& node = counters.node("p", "a");
  CHECK(&counters.node("p", "a") == &node);
  CHECK(&counters.node("q", "a") != &node);
  CHECK(&counters.pool("p") == &counters.pool("p"));
}

TEST_CASE("counters are exported before their first event") {
  const auto collectable = net::make_collectable("x_", [](net::MetricFamilies& metrics) {
    export_pool(metrics, "main", PoolTotals{});
    export_node(metrics, "main", "a", NodeTotals{});
  });
  const std::string text = net::metrics_text(*collectable);
  CHECK(text.find(R"(x_commands_total{pool="main",command="get",status="hit"} 0)") !=
        std::string::npos);
  CHECK(text.find(R"(x_node_errors_total{pool="main",node="a",reason="overload"} 0)") !=
        std::string::npos);
  CHECK(text.find(R"(command="get",status="stored")") == std::string::npos);
}

}  // namespace ringcache::proxy
