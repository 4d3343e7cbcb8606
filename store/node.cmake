# The node: executor, sessions, command line, metrics. Included by store/CMakeLists.txt; apart from
# the engine's list because it links what the engine must not.
# What main.cpp and the node's tests link.
add_library(ringcache_node_core STATIC
  executor.cpp
  executor_admin.cpp
  executor_binary.cpp
  executor_binary_stat.cpp
  executor_crawler.cpp
  executor_dump.cpp
  executor_meta.cpp
  executor_prefixes.cpp
  executor_stats.cpp
  executor_store.cpp
  executor_values.cpp
  executor_watch.cpp
  node.cpp
  node_certificate_loader.cpp
  node_command_line.cpp
  node_extended_options.cpp
  node_listen_words.cpp
  node_maintenance.cpp
  node_memory_preparer.cpp
  node_metrics.cpp
  node_peer.cpp
  node_process.cpp
  node_secrets.cpp
  node_session.cpp
  node_session_binary.cpp
  node_session_dump.cpp
  node_session_refresh.cpp
  node_session_value.cpp
  node_session_watch.cpp
  node_stats.cpp
  node_tls.cpp
  node_tls_words.cpp
  node_version.cpp
  node_watch_log.cpp
  node_watcher.cpp
  node_watch_delivery.cpp
  node_watchers.cpp
  node_worker.cpp
  prefix_counts.cpp
  sweep_control.cpp
)
target_link_libraries(ringcache_node_core PUBLIC ringcache_store ringcache_protocol ringcache_net)
# Only the files that say it are compiled anew when the revision changes.
set_source_files_properties(node_version.cpp PROPERTIES
  COMPILE_DEFINITIONS "RINGCACHE_VERSION=\"${PROJECT_VERSION}\";RINGCACHE_REVISION=\"${RINGCACHE_REVISION}\"")

add_executable(ringcache-node main.cpp)
target_link_libraries(ringcache-node PRIVATE ringcache_node_core)
install(TARGETS ringcache-node RUNTIME)
