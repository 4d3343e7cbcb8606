#include "store/rebalance.h"

#include <doctest/doctest.h>

#include <vector>

namespace ringcache::store {
namespace {

ClassPressure pressure(std::uint32_t pages, double age, std::uint64_t evictions = 0,
                       std::uint64_t free_chunks = 0) {
  ClassPressure made;
  made.pages = pages;
  made.chunks_per_page = 10;
  made.surplus = age;
  made.evictions = evictions;
  made.free_chunks = free_chunks;
  return made;
}

}  // namespace

TEST_CASE("a class in need takes from the one that can best spare a page") {
  std::vector<ClassPressure> classes{pressure(0, 0), pressure(5, 10), pressure(5, 30),
                                     pressure(1, 90)};
  CHECK(choose_donor(classes, 0) == 2);  // the oldest with several pages
  classes[1].free_chunks = 10;
  CHECK(choose_donor(classes, 0) == 1);  // a page's worth is free
  classes[1].excluded = classes[2].excluded = true;
  CHECK(choose_donor(classes, 0) == 3);  // the last resort
  classes[3].excluded = true;
  CHECK_FALSE(choose_donor(classes, 0).has_value());
  CHECK(choose_donor(std::vector{pressure(2, 5)}, 0) == 0);  // itself
}

TEST_CASE("a class that evicts takes a page from one whose victims are much more wasteful") {
  std::vector<ClassPressure> classes{pressure(5, 1000), pressure(5, 2500), pressure(5, 1900)};
  CHECK(choose_donor_by_waste(classes, 0) == 1);
  classes[1].excluded = true;
  CHECK_FALSE(choose_donor_by_waste(classes, 0).has_value());  // 1900 is not twice 1000
  classes[1].excluded = false;
  classes[1].pages = 1;
  CHECK_FALSE(choose_donor_by_waste(classes, 0).has_value());  // its last page
  classes[2].free_chunks = 10;
  CHECK(choose_donor_by_waste(classes, 0) == 2);  // a page's worth is free
}

TEST_CASE("pages move from old to young classes that evict, and only if it is worth while") {
  std::vector<ClassPressure> classes{pressure(5, 100), pressure(5, 10, 50), pressure(5, 50, 50)};
  auto move = choose_move_by_age(classes);
  REQUIRE(move.has_value());
  CHECK(move->from == 0);
  CHECK(move->to == 1);
  classes[0].pages = 2;
  move = choose_move_by_age(classes);
  REQUIRE(move.has_value());
  CHECK(move->from == 2);
  classes[2].surplus = 12;
  CHECK_FALSE(choose_move_by_age(classes).has_value());  // 10 is not below 0.8 of 12
  CHECK_FALSE(choose_move_by_age(std::vector{pressure(9, 1), pressure(9, 0, 5)}).has_value());
  CHECK_FALSE(choose_move_by_age(std::vector{pressure(9, 100), pressure(9, 0)}).has_value());
}

}  // namespace ringcache::store
