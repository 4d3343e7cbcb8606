#include "store/prefix_counts.h"

#include <algorithm>
#include <utility>

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
  auto row = contents_.rows.find(prefix);
  if (row == contents_.rows.end()) {
    const std::size_t place = contents_.order.size();
    if (place >= of_.prefixes_per_worker()) {
      of_.uncounted_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    row = contents_.rows.emplace(prefix, Row{{}, place}).first;
    contents_.order.push_back(&*row);
  }
  Counts& counts = row->second.counts;
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

void PrefixCounts::reset() {
  for (Table& table : tables_) {
    Table::Contents dropped;
    const std::lock_guard lock(table.mutex_);
    dropped.resets = table.contents_.resets + 1;
    std::swap(table.contents_, dropped);
  }
}

PrefixWalk::PrefixWalk(const PrefixCounts& counts) : of_(counts) {
  seen_.reserve(of_.tables_.size());
  for (const Table& table : of_.tables_) {
    const std::lock_guard lock(table.mutex_);
    seen_.push_back({table.contents_.order.size(), table.contents_.resets});
  }
  skip_ended_tables();
}

void PrefixWalk::skip_ended_tables() {
  while (table_ < seen_.size() && place_ >= seen_[table_].rows) {
    ++table_;
    place_ = 0;
  }
  done_ = table_ == seen_.size();
}

std::size_t PrefixWalk::piece_rows() const {
  return std::clamp(kPrefixPieceLookups / seen_.size(), std::size_t{1}, kPrefixPieceRows);
}

// A prefix of several tables comes with the first one that had it when the walk began.
std::span<const PrefixRow> PrefixWalk::next() {
  if (done_) return {};
  bool whole = copy_rows(table_);
  for (std::size_t other = 0; whole && other < seen_.size(); ++other) {
    if (other != table_) whole = add_counts(other);
  }
  if (!whole) {
    done_ = true;
    return {};
  }
  skip_ended_tables();
  return {rows_.data(), count_};
}

bool PrefixWalk::copy_rows(std::size_t table) {
  const Table& from = of_.tables_[table];
  const std::lock_guard lock(from.mutex_);
  if (was_reset(table)) return false;
  const std::size_t end = std::min(seen_[table].rows, place_ + piece_rows());
  for (count_ = 0; place_ < end; ++place_, ++count_) {
    const auto& [prefix, row] = *from.contents_.order[place_];
    PrefixRow& copy = rows_[count_];
    copy.counts = row.counts;
    copy.prefix_bytes = static_cast<std::uint8_t>(prefix.copy(copy.bytes.data(), prefix.size()));
  }
  return true;
}

// What an earlier table had when the walk began was listed with it, and is dropped here.
bool PrefixWalk::add_counts(std::size_t other) {
  const Table& from = of_.tables_[other];
  const std::size_t listed = other < table_ ? seen_[other].rows : 0;
  const std::lock_guard lock(from.mutex_);
  if (was_reset(other)) return false;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const auto found = from.contents_.rows.find(rows_[i].prefix());
    const bool is_found = found != from.contents_.rows.end();
    if (is_found && found->second.place < listed) continue;
    if (is_found) rows_[i].counts += found->second.counts;
    if (kept != i) rows_[kept] = rows_[i];
    ++kept;
  }
  count_ = kept;
  return true;
}

bool PrefixWalk::was_reset(std::size_t table) const {
  return of_.tables_[table].contents_.resets != seen_[table].resets;
}

}  // namespace ringcache::store
