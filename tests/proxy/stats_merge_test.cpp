#include "proxy/stats_merge.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace ringcache::proxy {

namespace {
std::string merged(bool settings,
                   std::initializer_list<std::pair<const char*, const char*>> values) {
  StatsMerge merge(settings);
  for (const auto& [name, value] : values) merge.add(name, value);
  std::string text;
  merge.append_to(text);
  return text;
}
}  // namespace

TEST_CASE("counters are added") {
  CHECK(merged(false, {{"get_hits", "3"}, {"get_hits", "4"}}) == "STAT get_hits 7\r\n");
}

TEST_CASE("CPU seconds are added with all their digits") {
  CHECK(merged(false, {{"rusage_user", "1.900001"}, {"rusage_user", "0.2"}}) ==
        "STAT rusage_user 2.100001\r\n");
}

TEST_CASE("what means nothing when added follows its rule") {
  CHECK(merged(false, {{"uptime", "30"}, {"uptime", "20"}}) == "STAT uptime 20\r\n");
  CHECK(merged(false, {{"time", "100"}, {"time", "101"}}) == "STAT time 101\r\n");
  CHECK(merged(false, {{"items:3:age", "9"}, {"items:3:age", "50"}}) == "STAT items:3:age 50\r\n");
  CHECK(merged(false, {{"3:chunk_size", "96"}, {"3:chunk_size", "96"}}) ==
        "STAT 3:chunk_size 96\r\n");
  CHECK(merged(false, {{"3:chunk_size", "96"}, {"3:chunk_size", "120"}}) ==
        "STAT 3:chunk_size mixed\r\n");
}

TEST_CASE("texts and settings are common or mixed") {
  CHECK(merged(false, {{"version", "1.6"}, {"version", "1.6"}}) == "STAT version 1.6\r\n");
  CHECK(merged(false, {{"version", "1.6"}, {"version", "1.5"}}) == "STAT version mixed\r\n");
  CHECK(merged(true, {{"maxbytes", "64"}, {"maxbytes", "64"}}) == "STAT maxbytes 64\r\n");
  CHECK(merged(true, {{"maxbytes", "64"}, {"maxbytes", "65"}}) == "STAT maxbytes mixed\r\n");
}

TEST_CASE("names keep their order, and there are at most kStatsNamesMax of them") {
  CHECK(merged(false, {{"b", "1"}, {"a", "1"}, {"b", "1"}}) == "STAT b 2\r\nSTAT a 1\r\n");
  StatsMerge merge(false);
  for (std::size_t i = 0; i < kStatsNamesMax + 10; ++i) merge.add(std::to_string(i), "x");
  std::string text;
  merge.append_to(text);
  CHECK(std::count(text.begin(), text.end(), '\n') == kStatsNamesMax);
}

TEST_CASE("numbers that are none are texts") {
  CHECK(merged(false, {{"x", "1.2345678"}, {"x", "1.2345678"}}) == "STAT x 1.2345678\r\n");
  CHECK(merged(false, {{"x", ""}, {"x", ""}}) == "STAT x \r\n");
  CHECK(merged(false, {{"x", "99999999999999999999999"}, {"x", "1"}}) == "STAT x mixed\r\n");
}

}  // namespace ringcache::proxy
