#include "store/prefix_counts.h"

#include <algorithm>
#include <map>

namespace ringcache::store {

namespace {

// Bytes that only a binary key can have: in a listing they would be lines of their own.
bool is_text(std::string_view prefix) {
  return std::none_of(prefix.begin(), prefix.end(), [](char byte) {
    const auto code = static_cast<unsigned char>(byte);
    return code <= ' ' || code == 0x7F;
  });
}

}  // namespace

void PrefixCounts::Table::count(std::string_view key, Event event) {
  const std::size_t end = key.find(of_.delimiter_);
  if (end == std::string_view::npos) return;
  const std::string_view prefix = key.substr(0, end);
  if (!is_text(prefix)) return;
  const std::lock_guard lock(mutex_);
  auto row = counts_.find(prefix);
  if (row == counts_.end()) {
    if (counts_.size() >= of_.prefixes_per_worker()) {
      of_.uncounted_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    row = counts_.emplace(prefix, Counts{}).first;
  }
  Counts& counts = row->second;
  switch (event) {
    case Event::kHit:
      ++counts.hits;
      [[fallthrough]];
    case Event::kMiss:
      ++counts.gets;
      break;
    case Event::kStore:
      ++counts.stores;
      break;
    case Event::kDelete:
      ++counts.deletes;
      break;
  }
}

void PrefixCounts::set_enabled(bool on) {
  enabled_.store(on, std::memory_order_relaxed);
  for (Table& table : tables_) table.enabled_.store(on, std::memory_order_relaxed);
}

std::string PrefixCounts::dump() {
  std::map<std::string, Counts> sums;
  for (Table& table : tables_) {
    const auto copy = table.copy();
    for (const auto& [prefix, counts] : copy) {
      Counts& sum = sums[prefix];
      sum.gets += counts.gets;
      sum.hits += counts.hits;
      sum.stores += counts.stores;
      sum.deletes += counts.deletes;
    }
  }
  std::string text;
  for (const auto& [prefix, sum] : sums) {
    text.append("PREFIX ").append(prefix);
    text.append(" get ").append(std::to_string(sum.gets));
    text.append(" hit ").append(std::to_string(sum.hits));
    text.append(" set ").append(std::to_string(sum.stores));
    text.append(" del ").append(std::to_string(sum.deletes)).append("\r\n");
  }
  return text;
}

void PrefixCounts::reset() {
  for (Table& table : tables_) {
    decltype(table.counts_) dropped;
    const std::lock_guard lock(table.mutex_);
    table.counts_.swap(dropped);
  }
}

}  // namespace ringcache::store
