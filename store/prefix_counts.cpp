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
  resets_.fetch_add(1, std::memory_order_relaxed);
  for (Table& table : tables_) {
    Table::Contents dropped;
    const std::lock_guard lock(table.mutex_);
    std::swap(table.contents_, dropped);
  }
}

PrefixWalk::PrefixWalk(const PrefixCounts& counts)
    : of_(counts), resets_(counts.resets_.load(std::memory_order_relaxed)) {
  limits_.reserve(of_.tables_.size());
  for (const Table& table : of_.tables_) {
    const std::lock_guard lock(table.mutex_);
    limits_.push_back(table.contents_.order.size());
  }
  skip_ended_tables();
}

void PrefixWalk::skip_ended_tables() {
  while (table_ < limits_.size() && place_ >= limits_[table_]) {
    ++table_;
    place_ = 0;
  }
  done_ = table_ == limits_.size();
}

// A prefix of several tables comes with the first one that had it when the walk began.
std::span<const PrefixRow> PrefixWalk::next() {
  if (done_) return {};
  bool whole = copy_rows(of_.tables_[table_], limits_[table_]);
  for (std::size_t other = 0; whole && other < limits_.size(); ++other) {
    if (other == table_) continue;
    whole = add_counts(of_.tables_[other], other < table_ ? limits_[other] : 0);
  }
  if (!whole) {
    done_ = true;
    return {};
  }
  skip_ended_tables();
  return {rows_.data(), count_};
}

bool PrefixWalk::copy_rows(const Table& table, std::size_t limit) {
  const std::lock_guard lock(table.mutex_);
  if (was_reset()) return false;
  const std::size_t end = std::min(limit, place_ + kPrefixPieceRows);
  for (count_ = 0; place_ < end; ++place_, ++count_) {
    const auto& [prefix, row] = *table.contents_.order[place_];
    PrefixRow& copy = rows_[count_];
    copy.counts = row.counts;
    copy.prefix_bytes = static_cast<std::uint8_t>(prefix.copy(copy.bytes.data(), prefix.size()));
  }
  return true;
}

// What this table has below the limit was listed with it, and is dropped here.
bool PrefixWalk::add_counts(const Table& other, std::size_t limit_of_listed) {
  const std::lock_guard lock(other.mutex_);
  if (was_reset()) return false;
  const Table::Rows& rows = other.contents_.rows;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const auto found = rows.find(rows_[i].prefix());
    if (found != rows.end() && found->second.place < limit_of_listed) continue;
    if (found != rows.end()) rows_[i].counts += found->second.counts;
    if (kept != i) rows_[kept] = rows_[i];
    ++kept;
  }
  count_ = kept;
  return true;
}

// REQUIRES the lock of the table that is looked at.
bool PrefixWalk::was_reset() const {
  return of_.resets_.load(std::memory_order_relaxed) != resets_;
}

}  // namespace ringcache::store
