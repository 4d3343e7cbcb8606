#pragma once

// What a run prints: a table for people, or one JSON object for scripts.

#include <string>

#include "tests/bench/load_run.h"

namespace ringcache::bench {

std::string load_report_text(const LoadOptions& options, const LoadResult& result);
std::string load_report_json(const LoadOptions& options, const LoadResult& result);

}  // namespace ringcache::bench
