#include "config/move_report.h"

#include <doctest/doctest.h>

#include "config/config.h"

using namespace ringcache::config;

namespace {

ringcache::proxy::ProxyOptions load(const std::string& text) {
  const ConfigResult result = load_proxy_config(text, "t");
  REQUIRE_MESSAGE(result.ok(), format(result.errors));
  return result.options;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("nothing moves between equal configurations") {
  const auto options = load(R"({"nodes": ["a", "b"]})");
  const std::string report = move_report(options, options);
  CHECK(contains(report, "pool default: 0.00 % of the keys move (ring ringcache, hash xxh3)\n"));
}

TEST_CASE("a new, a removed and a draining node") {
  const auto before = load(R"({"nodes": ["a:1", "b:1", "c:1"]})");
  const std::string added = move_report(before, load(R"({"nodes": ["a:1", "b:1", "c:1", "d:1"]})"));
  CHECK(contains(added, "  d:1 (new)"));
  CHECK(contains(added, "    before     after     loses     gains\n"));

  const std::string removed = move_report(before, load(R"({"nodes": ["a:1", "b:1"]})"));
  CHECK(contains(removed, "  c:1 (removed)"));

  const std::string drained =
      move_report(before, load(R"({"nodes": ["a:1", "b:1", {"address": "c:1", "drain": true}]})"));
  CHECK(contains(drained, "  c:1 (draining)"));
  // Draining moves what removing moves.
  CHECK(drained.substr(0, drained.find('\n')) == removed.substr(0, removed.find('\n')));
}

TEST_CASE("pools that come and go, and what the figures do not tell") {
  const auto before =
      load(R"({"pools": {"a": {"nodes": ["x"]}, "b": {"nodes": ["y"], "prefixes": ["b:"]}}})");
  const auto after = load(
      R"({"threads": 3, "admin": {"listen": "off"}, "pools": {
          "a": {"nodes": ["x"], "hash_tag": "{}", "ring": "ketama"},
          "c": {"nodes": ["y"], "prefixes": ["c:"]}}})");
  const std::string report = move_report(before, after);
  CHECK(contains(report, "pool c: new, all its keys are cold\n"));
  CHECK(contains(report, "pool b: removed\n"));
  CHECK(contains(report, "  was: ring ringcache, hash xxh3\n"));
  CHECK(contains(report, "  hash_tag changes"));
  CHECK(contains(report, "/threads: changes, but only a restart applies it\n"));
  CHECK(contains(report, "/admin/listen: changes, but only a restart applies it\n"));
}
