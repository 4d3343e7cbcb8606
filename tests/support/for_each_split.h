// Runs a parser case at every way a network could cut its bytes.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace ringcache::test {

// Calls body(pieces) with `whole` cut
//  - not at all,
//  - in two at every place,
//  - in three at every pair of places, if it is at most `three_piece_bytes_max` long,
//  - into single bytes.
// The pieces are views into `whole`, in order, and together they are `whole`.
template <typename Body>
void for_each_split(std::string_view whole, Body&& body, std::size_t three_piece_bytes_max = 32) {
  std::vector<std::string_view> pieces{whole};
  body(pieces);
  for (std::size_t i = 1; i < whole.size(); ++i) {
    pieces = {whole.substr(0, i), whole.substr(i)};
    body(pieces);
    if (whole.size() > three_piece_bytes_max) continue;
    for (std::size_t j = i + 1; j < whole.size(); ++j) {
      pieces = {whole.substr(0, i), whole.substr(i, j - i), whole.substr(j)};
      body(pieces);
    }
  }
  pieces.clear();
  for (std::size_t i = 0; i < whole.size(); ++i) pieces.push_back(whole.substr(i, 1));
  body(pieces);
}

}  // namespace ringcache::test
