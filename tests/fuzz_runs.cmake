# With RINGCACHE_FUZZ: the target `fuzzers`, all that clang has to build, and for each fuzz target a
# test fuzz_<name> that runs it for a while on its corpus. What it finds new stays in the build
# directory; a crash leaves its input there, and the log says where.
if(NOT RINGCACHE_FUZZ)
  return()
endif()
set(RINGCACHE_FUZZ_SECONDS 20 CACHE STRING "How long each fuzz target runs as a test")

add_custom_target(fuzzers)
function(ringcache_fuzz_run target)
  cmake_parse_arguments(ARG "" "" "CORPUS;OPTIONS" ${ARGN})
  set(scratch ${CMAKE_BINARY_DIR}/fuzz/${target})
  file(MAKE_DIRECTORY ${scratch}/corpus)
  add_dependencies(fuzzers ${target})
  add_test(NAME fuzz_${target}
    COMMAND ${target} -max_total_time=${RINGCACHE_FUZZ_SECONDS} -timeout=10 -rss_limit_mb=2048
            -artifact_prefix=${scratch}/ ${ARG_OPTIONS} ${scratch}/corpus ${ARG_CORPUS})
  set_tests_properties(fuzz_${target} PROPERTIES LABELS fuzz TIMEOUT 600)
endfunction()

set(parser_options -max_len=6000 -dict=${CMAKE_CURRENT_SOURCE_DIR}/fuzz/protocol.dict)
ringcache_fuzz_run(request_parser_fuzz OPTIONS ${parser_options}
  CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/request_parser)
ringcache_fuzz_run(response_parser_fuzz OPTIONS ${parser_options}
  CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/response_parser)
ringcache_fuzz_run(proxy_session_fuzz OPTIONS ${parser_options} -timeout=100
  CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/proxy_session)
ringcache_fuzz_run(config_fuzz OPTIONS -max_len=20000
  CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/config/good ${CMAKE_CURRENT_SOURCE_DIR}/config/bad)
