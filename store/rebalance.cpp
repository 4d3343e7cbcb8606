#include "store/rebalance.h"

namespace ringcache::store {
namespace {

// A page costs its items' copying, and the figures are estimates: less than this is left alone.
constexpr double kWasteRatio = 2;
constexpr double kAgeRatio = 0.8;            // slab_automove_ratio: younger than this part takes
constexpr std::uint32_t kDonorPagesMin = 3;  // a donor has more than two pages
constexpr double kAgeMin = 2;                // ages are whole seconds: less is noise

bool has_free_page_worth(const ClassPressure& pressure) {
  return pressure.pages > 1 && pressure.free_chunks >= pressure.chunks_per_page;
}

}  // namespace

std::optional<ClassIndex> choose_donor(std::span<const ClassPressure> classes, ClassIndex taker) {
  std::optional<ClassIndex> best;
  const auto better = [&](const ClassPressure& a, const ClassPressure& b) {
    if (has_free_page_worth(a) != has_free_page_worth(b)) return has_free_page_worth(a);
    if ((a.pages > 1) != (b.pages > 1)) return a.pages > 1;
    if (a.surplus != b.surplus) return a.surplus > b.surplus;
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

std::optional<ClassIndex> choose_donor_by_waste(std::span<const ClassPressure> classes,
                                                ClassIndex taker) {
  std::optional<ClassIndex> best;
  for (std::size_t at = 0; at < classes.size(); ++at) {
    const ClassPressure& candidate = classes[at];
    if (at == taker || candidate.pages < 2 || candidate.excluded) continue;
    if (has_free_page_worth(candidate)) return static_cast<ClassIndex>(at);
    if (!best || candidate.surplus > classes[*best].surplus) best = static_cast<ClassIndex>(at);
  }
  if (best && classes[*best].surplus > kWasteRatio * classes[taker].surplus) return best;
  return std::nullopt;
}

std::optional<PageMove> choose_move_by_age(std::span<const ClassPressure> classes) {
  std::optional<ClassIndex> oldest;
  std::optional<ClassIndex> youngest;
  for (std::size_t at = 0; at < classes.size(); ++at) {
    const ClassPressure& candidate = classes[at];
    if (candidate.pages == 0 || candidate.excluded) continue;
    const auto index = static_cast<ClassIndex>(at);
    if (candidate.pages >= kDonorPagesMin &&
        (!oldest || candidate.surplus > classes[*oldest].surplus)) {
      oldest = index;
    }
    if (candidate.evictions > 0 && (!youngest || candidate.surplus < classes[*youngest].surplus)) {
      youngest = index;
    }
  }
  if (!oldest || !youngest || *oldest == *youngest) return std::nullopt;
  const double old_age = classes[*oldest].surplus;
  const double young_age = classes[*youngest].surplus;
  if (old_age < kAgeMin || young_age >= kAgeRatio * old_age) return std::nullopt;
  return PageMove{*oldest, *youngest};
}

}  // namespace ringcache::store
