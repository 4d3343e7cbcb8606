#include "proxy/prefix_merge.h"

#include <doctest/doctest.h>

#include <string>

using namespace ringcache::proxy;

namespace {
std::string text(const PrefixMerge& merge) {
  std::string text;
  merge.append_to(text);
  return text;
}
}  // namespace

TEST_CASE("the counts of a prefix are added") {
  PrefixMerge merge;
  merge.add("PREFIX user get 5 hit 3 set 2 del 1");
  merge.add("PREFIX page get 1 hit 0 set 0 del 0");
  merge.add("PREFIX user get 10 hit 9 set 8 del 7");
  merge.add("PREFIX  get 1 hit 0 set 0 del 0");
  CHECK(text(merge) ==
        "PREFIX  get 1 hit 0 set 0 del 0\r\n"
        "PREFIX page get 1 hit 0 set 0 del 0\r\n"
        "PREFIX user get 15 hit 12 set 10 del 8\r\n");
}

TEST_CASE("a prefix may look like counts") {
  PrefixMerge merge;
  merge.add("PREFIX a get 1 hit 2 get 5 hit 3 set 2 del 1");
  CHECK(text(merge) == "PREFIX a get 1 hit 2 get 5 hit 3 set 2 del 1\r\n");
}

TEST_CASE("what is no such line is passed over") {
  PrefixMerge merge;
  for (const char* line : {"STAT a 1", "PREFIX a", "PREFIX a get 1 hit 2 set 3",
                           "PREFIX a get x hit 2 set 3 del 4", "PREFIX a get 1 hit 2 set 3 del 4x",
                           "PREFIX a get 1 hit 2 set 3 del 99999999999999999999"}) {
    merge.add(line);
  }
  CHECK(text(merge).empty());
}

TEST_CASE("it holds so many prefixes") {
  PrefixMerge merge;
  const auto row = [](std::size_t number) {
    return "PREFIX p" + std::to_string(number) + " get 1 hit 0 set 0 del 0";
  };
  for (std::size_t i = 0; i < kPrefixesMergedMax; ++i) CHECK(merge.add(row(i)));
  CHECK_FALSE(merge.add(row(kPrefixesMergedMax)));
  CHECK(merge.add(row(0)));
  const std::string all = text(merge);
  CHECK(all.starts_with("PREFIX p0 get 2 "));
  CHECK(all.find("PREFIX p" + std::to_string(kPrefixesMergedMax) + ' ') == std::string::npos);
}
