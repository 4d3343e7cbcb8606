// The proxy's configuration: JSON text in, option structs out, or every error at once.
//
// What the fields mean, their units, defaults and ranges: README.md in this folder. They are
// defined once, in proxy_fields.cpp, from which the decoder, `--print-config`, `--print-schema`
// and the tables of the README come.
//
// Only a main includes this header. The functions are pure but for the two that say "file"; they
// do not throw (but for lack of memory), and any thread may call them. A text of any bytes is
// answered within bounds: kConfigBytesMax, kJsonDepthMax and kJsonValuesMax (json_positions.h).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostics.h"
#include "proxy/proxy_options.h"

namespace ringcache::config {

struct ConfigResult {
  proxy::ProxyOptions options;  // complete and consistent only if ok()
  std::vector<Diagnostic> errors;
  std::vector<Diagnostic> warnings;  // also of a configuration that is good

  bool ok() const { return errors.empty(); }
};

// Reads a configuration. `filename` is only for messages. Every pool's `hash` is set in the
// result, to the ring's own where the text names none. Pools are in the order of the text.
ConfigResult load_proxy_config(std::string_view text, std::string_view filename);

// Reads the file and then its text. A file that cannot be read is an error without a line.
ConfigResult load_proxy_config_file(const std::filesystem::path& path);

// The configuration of `--nodes a:11211,b:11211`: defaults, and one pool "default".
ConfigResult load_node_list(std::string_view comma_separated);

// The whole configuration with every default written out; loads to the same options again, and
// is equal for equal options, so a hash of it identifies a configuration. Ends in a newline.
std::string print_proxy_config(const proxy::ProxyOptions& options);

// JSON schema (draft-07) of the configuration, for editors. It accepts what load_proxy_config()
// accepts, apart from comments; rules that tie several fields together are beyond it. Ends in a
// newline.
std::string print_proxy_schema();

// JSON pointers of the fields that differ and that only a restart can apply, like "/listen".
std::vector<std::string> changes_that_need_restart(const proxy::ProxyOptions& before,
                                                   const proxy::ProxyOptions& after);

}  // namespace ringcache::config
