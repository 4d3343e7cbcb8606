#include "routing/rate_limit.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <thread>

namespace ringcache::routing {

using protocol::Command;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

int taken(TokenBucket& bucket, std::int64_t now_ns) {
  int count = 0;
  while (bucket.take(now_ns)) ++count;
  return count;
}

}  // namespace

TEST_CASE("a bucket gives its burst at once, then its rate") {
  TokenBucket bucket({.per_second = 10, .burst = 5});
  std::int64_t now = 77 * kSecond;
  CHECK(taken(bucket, now) == 5);
  CHECK(taken(bucket, now + kSecond / 10 - 1) == 0);
  CHECK(taken(bucket, now + kSecond / 10) == 1);
  now += kSecond;
  CHECK(taken(bucket, now) == 5);
  for (int i = 0; i < 100; ++i) {
    now += kSecond / 5;
    CHECK(taken(bucket, now) == 2);
  }
  CHECK(taken(bucket, now + 1000 * kSecond) == 5);
}

TEST_CASE("without a burst it is what comes in a second") {
  for (const std::uint32_t rate : {1u, 3u, 999u, kRateMax / 100}) {
    CAPTURE(rate);
    TokenBucket bucket({.per_second = rate});
    CHECK(static_cast<std::uint32_t>(taken(bucket, kSecond)) == rate);
  }
}

TEST_CASE("no rate is no limit") {
  CHECK_FALSE(TokenBucket({}).limits());
  CHECK_FALSE(TokenBucket({.per_second = 0, .burst = 7}).limits());
}

TEST_CASE("any number of threads take each token once") {
  TokenBucket bucket({.per_second = 1, .burst = 10'000});
  std::atomic<int> total{0};
  std::array<std::thread, 4> threads;
  for (std::thread& thread : threads) {
    thread = std::thread([&] { total += taken(bucket, 0); });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(total == 10'000);
}

TEST_CASE("reads take of gets, what stores of sets; deletes and touch of neither") {
  for (const Command command : {Command::kGet, Command::kGats, Command::kMetaGet}) {
    CHECK(rate_class(command) == RateClass::kGets);
  }
  for (const Command command : {Command::kSet, Command::kCas, Command::kIncr, Command::kMetaSet,
                                Command::kMetaArithmetic}) {
    CHECK(rate_class(command) == RateClass::kSets);
  }
  for (const Command command : {Command::kDelete, Command::kMetaDelete, Command::kTouch,
                                Command::kMetaDebug, Command::kFlushAll}) {
    CHECK(rate_class(command) == RateClass::kNone);
  }
  RateLimitOptions options;
  options.gets = {.per_second = 1};
  options.sets = {.per_second = 2};
  RateLimits limits(options);
  CHECK(limits.admit(Command::kGet, "k", 0));
  CHECK_FALSE(limits.admit(Command::kGet, "other", 0));
  CHECK(limits.admit(Command::kSet, "k", 0));
  CHECK(limits.admit(Command::kSet, "k", 0));
  CHECK_FALSE(limits.admit(Command::kIncr, "k", 0));
  for (int i = 0; i < 10; ++i) CHECK(limits.admit(Command::kDelete, "k", 0));
}

TEST_CASE("a key takes of the longest prefix that it begins with, and of the pool") {
  RateLimitOptions options;
  options.gets = {.per_second = 4};
  options.prefixes = {{{{.per_second = 3}, {}}, "user:"}, {{{.per_second = 1}, {}}, "user:7:"}};
  RateLimits limits(options);
  CHECK(limits.admit(Command::kGet, "user:7:a", 0));
  CHECK_FALSE(limits.admit(Command::kGet, "user:7:b", 0));
  CHECK(limits.admit(Command::kSet, "user:7:a", 0));  // no limit of sets
  CHECK(limits.admit(Command::kGet, "user:8", 0));
  CHECK(limits.admit(Command::kGet, "user:8", 0));
  CHECK(limits.admit(Command::kGet, "user:8", 0));
  CHECK_FALSE(limits.admit(Command::kGet, "user:8", 0));
  CHECK_FALSE(limits.admit(Command::kGet, "k", 0));  // the pool's four are gone
}

}  // namespace ringcache::routing
