#include "proxy/write_epochs.h"

#include <limits>

namespace ringcache::proxy {

static_assert(WriteEpochs::kSlots - 1 <= std::numeric_limits<std::uint16_t>::max());

void WriteMarks::begin(WriteEpochs& epochs, std::size_t key_hash) {
  epochs_ = &epochs;
  const std::size_t slot = key_hash % WriteEpochs::kSlots;
  slots_.push_back(static_cast<std::uint16_t>(slot));
  epochs.slots_[slot].begun.fetch_add(1);
}

void WriteMarks::begin_all(WriteEpochs& epochs) {
  epochs_ = &epochs;
  all_ = true;
  epochs.all_.begun.fetch_add(1);
}

void WriteMarks::done() {
  for (const std::uint16_t slot : slots_) epochs_->slots_[slot].done.fetch_add(1);
  if (all_) epochs_->all_.done.fetch_add(1);
  all_ = false;
  slots_.clear();
  if (slots_.capacity() > kKeptMax) slots_ = {};
}

}  // namespace ringcache::proxy
