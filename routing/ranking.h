// Choosing the best few of many nodes, in order.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "routing/backend.h"

namespace ringcache::routing {

// Writes the nodes of the smallest candidates into `out`, smallest first, as many as fit; returns
// how many. `candidate_at(i)` for i < count gives a Candidate: `<` must order all of them, and
// `node` is what is written. A short `out`, as on the failover path, takes one pass and no
// allocation; a longer one, as for a listing, sorts.
template <typename Candidate, typename CandidateAt>
std::size_t rank_nodes(std::size_t count, const CandidateAt& candidate_at,
                       std::span<NodeIndex> out) {
  constexpr std::size_t kShort = 8;
  const std::size_t wanted = std::min(count, out.size());
  if (wanted == 0) return 0;
  if (wanted > kShort) {
    std::vector<Candidate> all;
    all.reserve(count);
    for (std::size_t i = 0; i < count; ++i) all.push_back(candidate_at(i));
    std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(wanted), all.end());
    for (std::size_t i = 0; i < wanted; ++i) out[i] = all[i].node;
    return wanted;
  }
  std::array<Candidate, kShort> best;
  std::size_t held = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Candidate candidate = candidate_at(i);
    if (held == wanted && !(candidate < best[held - 1])) continue;
    std::size_t place = held < wanted ? held++ : held - 1;
    for (; place > 0 && candidate < best[place - 1]; --place) best[place] = best[place - 1];
    best[place] = candidate;
  }
  for (std::size_t i = 0; i < held; ++i) out[i] = best[i].node;
  return held;
}

}  // namespace ringcache::routing
