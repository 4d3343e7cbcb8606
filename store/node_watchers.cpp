#include "store/node_watchers.h"

#include <pthread.h>

#include <array>
#include <memory>

namespace ringcache::store {

namespace {

constexpr WatchClasses class_bit(std::size_t at) {
  return static_cast<WatchClasses>(1U << at);
}

// What is there now and no more, a thread that is faster than this must not hold it, and as much as
// the batch has room for. False: something is left.
bool read_ring(EventRing& ring, WatchBatch& batch) {
  WatchEvent event;
  std::array<char, kWatchTextBytesMax> text;
  std::array<char, kWatchLineBytesMax> line;
  std::size_t text_bytes = 0;
  const std::uint64_t end = ring.written();
  while (ring.read() != end) {
    if (batch.is_full()) return false;
    if (!ring.pop(event, text.data(), text_bytes)) break;
    const char* const line_end = write_watch_line(line.data(), event, {text.data(), text_bytes});
    batch.add({line.data(), static_cast<std::size_t>(line_end - line.data())}, event.gid,
              watch_class(event.type));
  }
  return true;
}

}  // namespace

NodeWatchers::NodeWatchers(const WatchOptions& options)
    : options_(options), other_log_(shared_, options.worker_log_bytes) {}

NodeWatchers::~NodeWatchers() {
  stop();
}

WatchLog& NodeWatchers::add_worker(std::atomic<WatchClasses>& wanted) {
  return workers_.emplace_back(shared_, options_.worker_log_bytes, wanted).log;
}

void NodeWatchers::start(net::IoThreads& threads) {
  threads_ = &threads;
  collector_ = std::thread([this] { run(); });
  ::pthread_setname_np(collector_.native_handle(), "watch");
}

void NodeWatchers::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  shared_.wake.notify_all();
  if (collector_.joinable()) collector_.join();
}

// --- the list ----------------------------------------------------------------------------------

bool NodeWatchers::add(NodeWatcher& watcher, net::Connection& connection) {
  {
    const std::lock_guard lock(mutex_);
    if (watchers_ == kWatchersMax) return false;
    ++watchers_;
    for (std::size_t at = 0; at < kWatchClassCount; ++at) {
      if ((watcher.classes() & class_bit(at)) != 0) ++watched_[at];
    }
    publish_wanted();
  }
  watcher.begin_after(shared_.last_gid.load(std::memory_order_relaxed));
  workers_[connection.worker().index()].delivery.add(
      watcher, connection.out(), [&connection] { connection.schedule_flush(); });
  shared_.wake.notify_one();
  return true;
}

void NodeWatchers::remove(NodeWatcher& watcher, net::Connection& connection) {
  workers_[connection.worker().index()].delivery.remove(watcher);
  const std::lock_guard lock(mutex_);
  --watchers_;
  for (std::size_t at = 0; at < kWatchClassCount; ++at) {
    if ((watcher.classes() & class_bit(at)) != 0) --watched_[at];
  }
  publish_wanted();
}

// REQUIRES the lock.
void NodeWatchers::publish_wanted() {
  WatchClasses wanted = 0;
  for (std::size_t at = 0; at < kWatchClassCount; ++at) {
    if (watched_[at] > 0) wanted = static_cast<WatchClasses>(wanted | class_bit(at));
  }
  for (Worker& worker : workers_) worker.wanted.store(wanted, std::memory_order_relaxed);
  want((wanted & kWatchEvictions) != 0);
}

// --- events ------------------------------------------------------------------------------------

void NodeWatchers::on_evict(const EvictedItem& item, Seconds now) {
  WatchEvent event;
  event.type = WatchEventType::kEviction;
  event.fetched = item.fetched;
  event.ttl_s = item.expiry == kNever
                    ? -1
                    : static_cast<std::int64_t>(item.expiry) - static_cast<std::int64_t>(now);
  event.idle_s = now > item.last_access ? now - item.last_access : 0;
  event.slab_class = static_cast<std::uint16_t>(item.slab_class);
  event.value_bytes = item.value_bytes;
  const auto index = net::IoThreads::current_index();
  WatchLog& log = index && *index < workers_.size() ? workers_[*index].log : other_log_;
  log.record(event, item.key);
}

// --- the collector -----------------------------------------------------------------------------

void NodeWatchers::run() {
  bool more = false;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (watchers_ == 0) {
      shared_.wake.wait(lock, [this] { return watchers_ > 0 || stopping_; });
    } else if (!more) {
      shared_.wake.wait_for(lock, kCollectPeriod,
                            [this] { return stopping_ || shared_.pressed.load(); });
    }
    if (stopping_) return;
    lock.unlock();
    shared_.pressed = false;
    const SharedWatchBatch batch = collect(more);
    if (!batch->lines.empty()) hand_out(batch);
    lock.lock();
    shared_.wake.wait_for(lock, kCollectGapMin, [this] { return stopping_; });
  }
}

// Each ring is the first in its turn, as those after one that fills the batch are left for later.
SharedWatchBatch NodeWatchers::collect(bool& more) {
  auto batch = std::make_shared<WatchBatch>();
  more = false;
  const std::size_t rings = workers_.size() + 1;
  for (std::size_t offset = 0; offset < rings; ++offset) {
    const std::size_t at = (next_ring_ + offset) % rings;
    WatchLog& log = at < workers_.size() ? workers_[at].log : other_log_;
    if (!read_ring(log.ring(), *batch)) more = true;
  }
  next_ring_ = (next_ring_ + 1) % rings;
  return batch;
}

void NodeWatchers::hand_out(const SharedWatchBatch& batch) {
  for (std::size_t index = 0; index < workers_.size(); ++index) {
    WatchDelivery& delivery = workers_[index].delivery;
    if (delivery.has_watchers() && delivery.accept(batch)) post_delivery(index);
  }
}

void NodeWatchers::post_delivery(std::size_t index) {
  threads_->post(index, [this, index] {
    if (workers_[index].delivery.deliver()) post_delivery(index);
  });
}

WatchFigures NodeWatchers::figures() const {
  WatchFigures figures;
  for (const Worker& worker : workers_) {
    figures.worker_dropped += worker.log.dropped().value();
    figures.worker_written += worker.log.written().value();
    figures.watcher_skipped += worker.delivery.skipped().value();
    figures.watcher_sent += worker.delivery.sent().value();
    figures.delivery_yields += worker.delivery.yields().value();
  }
  figures.worker_dropped += other_log_.dropped().value();
  figures.worker_written += other_log_.written().value();
  const std::lock_guard lock(mutex_);
  figures.watchers = watchers_;
  return figures;
}

}  // namespace ringcache::store
