# Tests of the node: executor, sessions, command line.
ringcache_unit_test(node_test
  SOURCES
    executor_admin_test.cpp
    executor_meta_test.cpp
    executor_rules_test.cpp
    executor_test.cpp
    executor_dump_test.cpp
    executor_prefixes_test.cpp
    node_authentication_test.cpp
    node_certificate_loader_test.cpp
    node_command_line_test.cpp
    node_dump_test.cpp
    node_fairness_test.cpp
    node_limits_test.cpp
    node_maintenance_test.cpp
    node_memory_preparer_test.cpp
    node_process_test.cpp
    node_stats_test.cpp
    node_test.cpp
    node_watch_delivery_test.cpp
    node_watch_test.cpp
    node_worker_test.cpp
    prefix_counts_test.cpp
    node_tls_test.cpp
    ${CMAKE_SOURCE_DIR}/tests/net/net_fixture.cpp
    ${CMAKE_SOURCE_DIR}/tests/net/tls_fixture.cpp
  LIBRARIES ringcache_node_core OpenSSL::SSL OpenSSL::Crypto
)

# Counts allocations by standing in for malloc, which the sanitizers do too.
if(NOT RINGCACHE_SANITIZE)
  ringcache_unit_test(node_allocation_test
    SOURCES node_allocation_test.cpp listing_allocation_test.cpp
      ${CMAKE_SOURCE_DIR}/tests/net/net_fixture.cpp
      ${CMAKE_SOURCE_DIR}/tests/support/malloc_counter.cpp
    LIBRARIES ringcache_node_core
  )
endif()
