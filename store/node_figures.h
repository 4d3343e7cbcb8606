// What the node counts beside its store, one row each: the row makes the field, its name in
// `stats`, its metric and its help. The store's own rows are in store_stats.h.
//
//   X(field, kind, stats name, metric name, help)
//
// An empty name means that the figure is not shown there. `stats reset` sets the counters back to 0
// in `stats`, not in the metrics.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "store/store_stats.h"

namespace ringcache::store {

#define RINGCACHE_NODE_FIGURES(X)                                                                 \
  X(uptime, kGauge, "uptime", "uptime_seconds", "Seconds since the start")                        \
  X(time, kGauge, "time", "time_seconds", "Unix time of the node")                                \
  X(max_connections, kGauge, "max_connections", "max_connections",                                \
    "Client connections allowed at once")                                                         \
  X(curr_connections, kGauge, "curr_connections", "current_connections",                          \
    "Client connections open")                                                                    \
  X(total_connections, kCounter, "total_connections", "connections_total",                        \
    "Client connections accepted")                                                                \
  X(rejected_connections, kCounter, "rejected_connections", "connections_rejected_total",         \
    "Client connections refused at the limit")                                                    \
  X(accept_errors, kCounter, "accept_errors", "accept_errors_total",                              \
    "Times accepting failed for want of file descriptors or memory")                              \
  X(connection_structures, kGauge, "connection_structures", "", "The same as curr_connections")   \
  X(cmd_meta, kCounter, "cmd_meta", "meta_commands_total", "Meta commands executed")              \
  X(protocol_errors, kCounter, "protocol_errors", "protocol_errors_total",                        \
    "Command lines refused")                                                                      \
  X(idle_kicks, kCounter, "idle_kicks", "idle_kicks_total", "Connections closed by idle_timeout") \
  X(upload_kicks, kCounter, "upload_kicks", "upload_kicks_total",                                 \
    "Connections closed by upload_timeout")                                                       \
  X(dump_kicks, kCounter, "dump_kicks", "dump_kicks_total",                                       \
    "Connections closed because they hardly read their listing")                                  \
  X(auth_cmds, kCounter, "auth_cmds", "auth_commands_total",                                      \
    "Names and passwords checked, right or wrong")                                                \
  X(auth_errors, kCounter, "auth_errors", "auth_errors_total", "Wrong names and passwords")       \
  X(auth_strays, kCounter, "auth_strays", "auth_strays_total",                                    \
    "Other commands before the password")                                                         \
  X(auth_kicks, kCounter, "auth_kicks", "auth_kicks_total", "Connections closed by auth_timeout") \
  X(conn_yields, kCounter, "conn_yields", "connections_yielded_total",                            \
    "Times a connection with many requests let others have their turn")                           \
  X(output_pauses, kCounter, "output_pauses", "output_pauses_total",                              \
    "Times a client that did not read its answers was made to wait")                              \
  X(uploads_refused, kCounter, "uploads_refused", "uploads_refused_total",                        \
    "Values refused because too many were arriving at once")                                      \
  X(arriving_bytes, kGauge, "arriving_bytes", "arriving_value_bytes",                             \
    "Bytes of items whose value is still arriving")                                               \
  X(pinned_bytes, kGauge, "pinned_bytes", "pinned_value_bytes",                                   \
    "Bytes of items held until the clients that asked for them have read them")                   \
  X(copied_bytes, kGauge, "copied_bytes", "copied_value_bytes",                                   \
    "Bytes of large values copied for clients that have yet to read them")                        \
  X(reads_refused, kCounter, "reads_refused", "reads_refused_total",                              \
    "Reads refused because too many copied values were waiting for clients")                      \
  X(bytes_read, kCounter, "bytes_read", "read_bytes_total", "Bytes received from clients")        \
  X(bytes_written, kCounter, "bytes_written", "written_bytes_total", "Bytes sent to clients")     \
  X(accepting_conns, kGauge, "accepting_conns", "accepting_connections",                          \
    "1 while the node accepts")                                                                   \
  X(threads, kGauge, "threads", "threads", "Worker threads")                                      \
  X(log_worker_dropped, kCounter, "log_worker_dropped", "log_worker_dropped_total",               \
    "Events lost because the buffer of their thread was full")                                    \
  X(log_worker_written, kCounter, "log_worker_written", "log_worker_written_total",               \
    "Events put into the buffer of their thread")                                                 \
  X(log_watcher_skipped, kCounter, "log_watcher_skipped", "log_watcher_skipped_total",            \
    "Lines not sent to watchers that read too slowly")                                            \
  X(log_watcher_sent, kCounter, "log_watcher_sent", "log_watcher_sent_total",                     \
    "Lines sent to watchers")                                                                     \
  X(log_delivery_yields, kCounter, "log_delivery_yields", "log_delivery_yields_total",            \
    "Times the delivery to watchers let others have their turn")                                  \
  X(log_watchers, kGauge, "log_watchers", "log_watchers", "Connections that watch")               \
  X(crawler_running, kGauge, "lru_crawler_running", "lru_crawler_running",                        \
    "1 while a round that was ordered is under way")                                              \
  X(dumps_running, kGauge, "dumps_running", "dumps_running", "Listings under way")                \
  X(dumps_started, kCounter, "dumps_started", "dumps_started_total", "Listings begun")            \
  X(dumps_refused, kCounter, "dumps_refused", "dumps_refused_total",                              \
    "Listings refused because too many were under way")                                           \
  X(prefixes_uncounted, kCounter, "prefixes_uncounted", "prefixes_uncounted_total",               \
    "Events of prefixes for which stats detail had no room")                                      \
  X(sweeps, kCounter, "lru_crawler_starts", "lru_crawler_starts_total",                           \
    "Times the sweep began anew")                                                                 \
  X(maintenance_turns, kCounter, "lru_maintainer_juggles", "lru_maintainer_turns_total",          \
    "Turns of the maintenance thread")                                                            \
  X(memory_prepared, kCounter, "memory_prepared", "memory_prepared_total",                        \
    "Ranges of 2 MiB made ready ahead of their use")

#define RINGCACHE_NODE_FIELD(field, kind, stats_name, metric_name, help) std::uint64_t field = 0;
struct NodeFigures {
  RINGCACHE_NODE_FIGURES(RINGCACHE_NODE_FIELD)
};
#undef RINGCACHE_NODE_FIELD

#define RINGCACHE_NODE_ROW(field, kind, stats_name, metric_name, help) \
  StatsRow<NodeFigures>{&NodeFigures::field, FigureKind::kind, stats_name, metric_name, help},
inline constexpr std::array kNodeFiguresTable{RINGCACHE_NODE_FIGURES(RINGCACHE_NODE_ROW)};
#undef RINGCACHE_NODE_ROW

// The same for TLS. Shown by `stats` only when there is any, as in memcached.
#define RINGCACHE_TLS_FIGURES(X)                                                            \
  X(new_sessions, kCounter, "ssl_new_sessions", "tls_new_sessions_total",                   \
    "Sessions that clients may resume")                                                     \
  X(handshake_errors, kCounter, "ssl_handshake_errors", "tls_handshake_errors_total",       \
    "Connections that came to no handshake")                                                \
  X(handshake_timeouts, kCounter, "ssl_handshake_timeouts", "tls_handshake_timeouts_total", \
    "Connections whose handshake took too long")                                            \
  X(handshakes_dropped, kCounter, "ssl_handshakes_dropped", "tls_handshakes_dropped_total", \
    "Connections cut because too many handshakes were unfinished")                          \
  X(record_timeouts, kCounter, "ssl_record_timeouts", "tls_record_timeouts_total",          \
    "Connections closed in the middle of a record that did not end")                        \
  X(refresh_age, kGauge, "time_since_server_cert_refresh", "tls_certificate_age_seconds",   \
    "Seconds since the certificates were read")

#define RINGCACHE_TLS_FIELD(field, kind, stats_name, metric_name, help) std::uint64_t field = 0;
struct TlsFigures {
  RINGCACHE_TLS_FIGURES(RINGCACHE_TLS_FIELD)
};
#undef RINGCACHE_TLS_FIELD

#define RINGCACHE_TLS_ROW(field, kind, stats_name, metric_name, help) \
  StatsRow<TlsFigures>{&TlsFigures::field, FigureKind::kind, stats_name, metric_name, help},
inline constexpr std::array kTlsFiguresTable{RINGCACHE_TLS_FIGURES(RINGCACHE_TLS_ROW)};
#undef RINGCACHE_TLS_ROW

}  // namespace ringcache::store
