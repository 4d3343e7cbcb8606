#include "store/rebalance.h"

namespace ringcache::store {
namespace {

constexpr double kAgeRatio = 0.8;            // slab_automove_ratio: younger than this part takes
constexpr std::uint32_t kDonorPagesMin = 3;  // a donor has more than two pages
constexpr Seconds kAgeMin = 2;               // ages are whole seconds: less is noise

bool has_free_page_worth(const ClassPressure& pressure) {
  return pressure.pages > 1 && pressure.free_chunks >= pressure.chunks_per_page;
}

}  // namespace

std::optional<ClassIndex> choose_donor(std::span<const ClassPressure> classes, ClassIndex taker) {
  std::optional<ClassIndex> best;
  const auto better = [&](const ClassPressure& a, const ClassPressure& b) {
    if (has_free_page_worth(a) != has_free_page_worth(b)) return has_free_page_worth(a);
    if ((a.pages > 1) != (b.pages > 1)) return a.pages > 1;
    if (a.tail_age != b.tail_age) return a.tail_age > b.tail_age;
    return a.pages > b.pages;
  };
  for (std::size_t at = 0; at < classes.size(); ++at) {
    const ClassPressure& candidate = classes[at];
    if (at == taker || candidate.pages == 0 || candidate.excluded) continue;
    if (!best || better(candidate, classes[*best])) best = static_cast<ClassIndex>(at);
  }
  if (!best && classes[taker].pages > 0 && !classes[taker].excluded) best = taker;
  return best;
}

std::optional<PageMove> choose_move(std::span<const ClassPressure> classes) {
  std::optional<ClassIndex> oldest;
  std::optional<ClassIndex> youngest;
  for (std::size_t at = 0; at < classes.size(); ++at) {
    const ClassPressure& candidate = classes[at];
    if (candidate.pages == 0 || candidate.excluded) continue;
    const auto index = static_cast<ClassIndex>(at);
    if (candidate.pages >= kDonorPagesMin &&
        (!oldest || candidate.tail_age > classes[*oldest].tail_age)) {
      oldest = index;
    }
    if (candidate.evictions > 0 &&
        (!youngest || candidate.tail_age < classes[*youngest].tail_age)) {
      youngest = index;
    }
  }
  if (!oldest || !youngest || *oldest == *youngest) return std::nullopt;
  const Seconds old_age = classes[*oldest].tail_age;
  const Seconds young_age = classes[*youngest].tail_age;
  if (old_age < kAgeMin || young_age >= kAgeRatio * old_age) return std::nullopt;
  return PageMove{*oldest, *youngest};
}

}  // namespace ringcache::store
