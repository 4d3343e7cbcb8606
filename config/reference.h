// The manual of the fields, made from their tables (proxy_fields.h).
#pragma once

#include <string>
#include <string_view>

namespace ringcache::config {

// All fields as a table in Markdown, as README.md has it.
std::string reference_markdown();

// Where in the configuration a key is at home, for the hint of an unknown key: "in \"limits\""
// for "item_size"; empty if nowhere.
std::string home_of_key(std::string_view key);

}  // namespace ringcache::config
