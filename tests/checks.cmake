# Tests of the sources themselves, and the other presets' tests as tests of this one, so that one
# ctest run covers everything. Only the release preset has them.

foreach(check format scripts ratchet)
  add_test(NAME style_${check} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/style/${check})
  set_tests_properties(style_${check} PROPERTIES LABELS style TIMEOUT 300)
endforeach()

add_test(NAME style_tidy COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/style/tidy ${CMAKE_BINARY_DIR})
set_tests_properties(style_tidy PROPERTIES LABELS "style;tidy" TIMEOUT 1800 RUN_SERIAL ON)

# Every header compiles when it comes first: one generated source each.
file(GLOB headers RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/protocol/*.h ${CMAKE_SOURCE_DIR}/routing/*.h ${CMAKE_SOURCE_DIR}/store/*.h
  ${CMAKE_SOURCE_DIR}/net/*.h ${CMAKE_SOURCE_DIR}/proxy/*.h ${CMAKE_SOURCE_DIR}/config/*.h)
set(header_sources)
foreach(header ${headers})
  set(source ${CMAKE_CURRENT_BINARY_DIR}/headers/${header}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "#include \"${header}\"\n#include \"${header}\"\n")
  list(APPEND header_sources ${source})
endforeach()
add_library(headers_alone OBJECT EXCLUDE_FROM_ALL ${header_sources})
target_compile_options(headers_alone PRIVATE -O0 -g0)
target_link_libraries(headers_alone PRIVATE ringcache_config ringcache_net asio
  PkgConfig::httplib spdlog::spdlog)
if(TARGET ringcache_node_core)
  target_link_libraries(headers_alone PRIVATE ringcache_node_core)
endif()
add_test(NAME style_headers
  COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR} --target headers_alone)
set_tests_properties(style_headers PROPERTIES LABELS style TIMEOUT 900 RUN_SERIAL ON)

# Shorter than in the release build: a sanitizer costs 3 to 15 times the time.
foreach(preset asan tsan)
  add_test(NAME ${preset}
    COMMAND ${CMAKE_SOURCE_DIR}/tests/run --no-install --preset ${preset} -L "unit|wire|stress")
  set_tests_properties(${preset} PROPERTIES LABELS sanitizer TIMEOUT 3600 RUN_SERIAL ON
    ENVIRONMENT "RINGCACHE_E2E_BATCHES=30;RINGCACHE_E2E_PATIENCE=90")
endforeach()
# The thread sanitizer keeps several bytes of its own for each byte of the program.
set_property(TEST tsan APPEND PROPERTY ENVIRONMENT "RINGCACHE_E2E_MEMORY_FACTOR=4")
add_test(NAME fuzz COMMAND ${CMAKE_SOURCE_DIR}/tests/run --no-install --preset fuzz -L fuzz)
set_tests_properties(fuzz PROPERTIES LABELS fuzz TIMEOUT 1800 RUN_SERIAL ON)
