// A line cut into words as memcached's tokenizer cuts it: at spaces only, empty words left out, the
// line read no further than kWordsMax words.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "protocol/limits.h"

namespace ringcache::protocol {

class Words {
 public:
  explicit Words(std::string_view line) {
    const char* at = line.data();
    const char* const end = at + line.size();
    while (count_ < kWordsMax) {
      while (at != end && *at == ' ') ++at;
      if (at == end) return;
      const void* space = std::memchr(at, ' ', static_cast<std::size_t>(end - at));
      const char* word_end = space != nullptr ? static_cast<const char*>(space) : end;
      words_[count_++] = {at, static_cast<std::size_t>(word_end - at)};
      at = word_end;
    }
  }

  std::size_t count() const { return count_; }
  std::string_view operator[](std::size_t i) const { return words_[i]; }
  std::string_view last() const { return words_[count_ - 1]; }  // REQUIRES: count() > 0

 private:
  std::size_t count_ = 0;
  std::array<std::string_view, kWordsMax> words_;
};

}  // namespace ringcache::protocol
