#pragma once

// The command line of ringcache-load -> LoadOptions.

#include <CLI/CLI.hpp>

#include "tests/bench/workload.h"

namespace ringcache::bench {

/// Declares every option on `app`; parsing fills `options`.
void declare_load_options(CLI::App& app, LoadOptions& options);

}  // namespace ringcache::bench
