// `-o key=value,key,...`: memcached's extended options.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/node_options.h"

namespace ringcache::store {

// Applies a comma list to `options`. Empty, or what is wrong, naming the word. Words of memcached's
// that have no effect here are added to `warnings`, each once, with the reason.
std::string apply_extended_options(std::string_view list, NodeOptions& options,
                                   std::vector<std::string>& warnings);

// The words that are taken, one line each, for the help.
std::string extended_options_help();

}  // namespace ringcache::store
