// The texts of `stats` and its kin, in memcached's names, so that its tools work unchanged. Pure
// functions of snapshots, any thread. docs/node.md lists the names that memcached has and we do
// not.
#pragma once

#include <string>

#include "store/node_figures.h"
#include "store/node_options.h"
#include "store/store_stats.h"

namespace ringcache::store {

void append_general_stats(const NodeFigures& figures, const StoreStats& stats, std::string& out);
void append_settings_stats(const NodeOptions& options, const StoreOptions& store,
                           std::size_t threads, unsigned verbosity, std::string& out);
void append_item_stats(const StoreStats& stats, std::string& out);
void append_slab_stats(const StoreStats& stats, std::string& out);

// One STAT line.
void append_stat(std::string& out, std::string_view name, std::string_view value);
void append_stat(std::string& out, std::string_view name, std::uint64_t value);

}  // namespace ringcache::store
