#include "config/reference.h"

#include "config/proxy_fields.h"

namespace ringcache::config {
namespace {

std::string last_key(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  return std::string(dot == path.npos ? path : path.substr(dot + 1));
}

std::string table_row(const ReferenceRow& row) {
  const std::string fallback = row.default_value.empty() ? "" : '`' + row.default_value + '`';
  return "| `" + row.path + "` | " + row.type + " | " + fallback + " | " +
         (row.reload == Reload::kApplies ? "yes" : "restart") + " | " + row.meaning + " |\n";
}

}  // namespace

std::string home_of_key(std::string_view key) {
  static const std::vector<ReferenceRow> kRows = proxy_table().reference();
  for (const ReferenceRow& row : kRows) {
    if (last_key(row.path) != key) continue;
    if (row.path == key) return "at the top level";
    const std::string parent = row.path.substr(0, row.path.size() - key.size() - 1);
    if (parent == "pools.*")
      return "in a pool: \"pools\": {\"NAME\": {" + in_quotes(key) + ": ...}}";
    if (parent == "pools.*.nodes[]")
      return "in a node: {\"address\": ..., " + in_quotes(key) + ": ...}";
    const std::string section = "in " + in_quotes(last_key(parent));
    return parent.starts_with("pools.*.") ? section + " of a pool" : section;
  }
  return {};
}

std::string reference_markdown() {
  std::string result =
      "| field | type and range | default | reload | meaning |\n|---|---|---|---|---|\n";
  for (const ReferenceRow& row : proxy_table().reference()) result += table_row(row);
  return result;
}

}  // namespace ringcache::config
