#include "config/config.h"
#include "config/proxy_fields.h"

namespace ringcache::config {
namespace {

// "admin.listen" -> "/admin/listen".
std::string pointer_of_path(std::string path) {
  for (char& c : path) {
    if (c == '.') c = '/';
  }
  return '/' + path;
}

}  // namespace

std::string print_proxy_config(const proxy::ProxyOptions& options) {
  return proxy_table().encode(options).dump(2) + '\n';
}

std::string print_proxy_schema() {
  Json schema{{"$schema", "http://json-schema.org/draft-07/schema#"},
              {"title", "Configuration of ringcache-proxy"}};
  schema.update(proxy_table().schema());
  schema["oneOf"] = Json::array({{{"required", {"nodes"}}}, {{"required", {"pools"}}}});
  return schema.dump(2) + '\n';
}

std::vector<std::string> changes_that_need_restart(const proxy::ProxyOptions& before,
                                                   const proxy::ProxyOptions& after) {
  const Json old_json = proxy_table().encode(before);
  const Json new_json = proxy_table().encode(after);
  std::vector<std::string> pointers;
  for (const ReferenceRow& row : proxy_table().reference()) {
    if (row.reload == Reload::kApplies) continue;
    const std::string pointer = pointer_of_path(row.path);
    const Json::json_pointer at(pointer);
    // Of an object that is null in one of them, the field that makes it so decides.
    if (!old_json.contains(at) || !new_json.contains(at)) continue;
    if (old_json.at(at) != new_json.at(at)) pointers.push_back(pointer);
  }
  return pointers;
}

}  // namespace ringcache::config
