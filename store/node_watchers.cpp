#include "store/node_watchers.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace ringcache::store {

namespace {

constexpr WatchClasses class_bit(std::size_t at) {
  return static_cast<WatchClasses>(1U << at);
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
  Worker& worker = workers_[connection.worker().index()];
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
  worker.seats.push_back({&watcher, &connection});
  worker.has_watchers = true;
  shared_.wake.notify_one();
  return true;
}

void NodeWatchers::remove(NodeWatcher& watcher, net::Connection& connection) {
  Worker& worker = workers_[connection.worker().index()];
  const auto seat = std::find_if(worker.seats.begin(), worker.seats.end(),
                                 [&](const Seat& each) { return each.watcher == &watcher; });
  const auto place = static_cast<std::size_t>(seat - worker.seats.begin());
  if (place == worker.next_seat) worker.next_batch = 0;
  if (place < worker.next_seat) --worker.next_seat;
  worker.seats.erase(seat);
  worker.has_watchers = !worker.seats.empty();
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
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (watchers_ == 0) {
      shared_.wake.wait(lock, [this] { return watchers_ > 0 || stopping_; });
    } else {
      shared_.wake.wait_for(lock, kCollectPeriod,
                            [this] { return stopping_ || shared_.pressed.load(); });
    }
    if (stopping_) return;
    lock.unlock();
    shared_.pressed = false;
    const SharedBatch batch = collect();
    if (!batch->lines.empty()) hand_out(batch);
    lock.lock();
    shared_.wake.wait_for(lock, kCollectGapMin, [this] { return stopping_; });
  }
}

NodeWatchers::SharedBatch NodeWatchers::collect() {
  auto batch = std::make_shared<Batch>();
  for (Worker& worker : workers_) read_ring(worker.log.ring(), *batch);
  read_ring(other_log_.ring(), *batch);
  return batch;
}

// What is there now and no more: a thread that is faster than this must not hold it.
void NodeWatchers::read_ring(EventRing& ring, Batch& batch) {
  WatchEvent event;
  std::array<char, kWatchTextBytesMax> text;
  std::array<char, kWatchLineBytesMax> line;
  std::size_t text_bytes = 0;
  const std::uint64_t end = ring.written();
  while (ring.read() != end && ring.pop(event, text.data(), text_bytes)) {
    const char* const line_end = write_watch_line(line.data(), event, {text.data(), text_bytes});
    batch.text.append(line.data(), static_cast<std::size_t>(line_end - line.data()));
    batch.lines.push_back(
        {event.gid, static_cast<std::uint32_t>(batch.text.size()), watch_class(event.type)});
  }
}

void NodeWatchers::hand_out(const SharedBatch& batch) {
  for (std::size_t index = 0; index < workers_.size(); ++index) {
    Worker& worker = workers_[index];
    if (!worker.has_watchers) continue;
    bool first = false;
    {
      const std::lock_guard lock(worker.mutex);
      if (worker.inbox.size() == kInboxBatchesMax) {
        for (const Batch::Line& line : batch->lines) {
          for (std::size_t at = 0; at < kWatchClassCount; ++at) {
            if (line.event_class == class_bit(at)) ++worker.missed[at];
          }
        }
        continue;
      }
      first = !std::exchange(worker.delivering, true);
      worker.inbox.push_back(batch);
    }
    if (first) post_delivery(index);
  }
}

// --- delivery, on the worker -------------------------------------------------------------------

void NodeWatchers::post_delivery(std::size_t index) {
  threads_->post(index, [this, index] {
    if (deliver(workers_[index])) post_delivery(index);
  });
}

bool NodeWatchers::deliver(Worker& worker) {
  if (!std::exchange(worker.has_taken, true)) {
    const std::lock_guard lock(worker.mutex);
    worker.batches.swap(worker.inbox);
    worker.missed_after = std::exchange(worker.missed, LineCounts{});
  }
  std::size_t bytes = 0;
  while (worker.next_seat < worker.seats.size()) {
    const Seat& seat = worker.seats[worker.next_seat];
    while (worker.next_batch < worker.batches.size()) {
      if (bytes >= kDeliveryBytesPerTurn) {
        worker.yields.add();
        return true;
      }
      bytes += deliver_to(seat, *worker.batches[worker.next_batch++], worker);
      seat.connection->schedule_flush();
    }
    tell_missed(seat, worker);
    ++worker.next_seat;
    worker.next_batch = 0;
  }
  worker.next_seat = 0;
  worker.has_taken = false;
  worker.batches.clear();
  // What came meanwhile was not posted, as this was on its way.
  const std::lock_guard lock(worker.mutex);
  worker.delivering = !worker.inbox.empty();
  return worker.delivering;
}

void NodeWatchers::tell_missed(const Seat& seat, Worker& worker) {
  for (std::size_t at = 0; at < kWatchClassCount; ++at) {
    if ((seat.watcher->classes() & class_bit(at)) == 0) continue;
    seat.watcher->skip(worker.missed_after[at]);
    worker.skipped.add(worker.missed_after[at]);
  }
}

std::size_t NodeWatchers::deliver_to(const Seat& seat, const Batch& batch, Worker& worker) {
  std::size_t begin = 0;
  std::size_t bytes = 0;
  for (const Batch::Line& line : batch.lines) {
    const std::string_view text = std::string_view(batch.text).substr(begin, line.end - begin);
    begin = line.end;
    if (!seat.watcher->wants(line.event_class, line.gid)) continue;
    const bool sent = seat.watcher->offer(text, seat.connection->out());
    (sent ? worker.sent : worker.skipped).add();
    bytes += text.size();  // also of a line that is skipped: it was looked at
  }
  return bytes;
}

WatchFigures NodeWatchers::figures() const {
  WatchFigures figures;
  for (const Worker& worker : workers_) {
    figures.worker_dropped += worker.log.dropped().value();
    figures.worker_written += worker.log.written().value();
    figures.watcher_skipped += worker.skipped.value();
    figures.watcher_sent += worker.sent.value();
    figures.delivery_yields += worker.yields.value();
  }
  figures.worker_dropped += other_log_.dropped().value();
  figures.worker_written += other_log_.written().value();
  const std::lock_guard lock(mutex_);
  figures.watchers = watchers_;
  return figures;
}

}  // namespace ringcache::store
