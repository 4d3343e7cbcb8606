#include "proxy/request_lines.h"

#include <limits>

#include "protocol/limits.h"
#include "protocol/request_writer.h"
#include "protocol/response.h"

namespace ringcache::proxy {

using protocol::Command;

std::string_view request_line(ProxyWorker& worker, const protocol::Request& request) {
  char* const line = worker.line_buffer(protocol::request_line_bytes_max(request));
  const char* const end = protocol::write_request_line(line, request);
  return {line, static_cast<std::size_t>(end - line)};
}

std::string_view part_line(ProxyWorker& worker, const protocol::Request& request,
                           const MultigetSplit::Part& part) {
  char* const line = worker.line_buffer(protocol::multiget_bytes_max(part.keys));
  const char* const end =
      protocol::write_multiget(line, request.command, request.exptime_s, part.keys);
  return {line, static_cast<std::size_t>(end - line)};
}

std::size_t multiget_line_max(Command command) {
  if (command == Command::kGet || command == Command::kGets) {
    return std::numeric_limits<std::size_t>::max();
  }
  return protocol::kCommandLineBytesMax - protocol::kCrlf.size();
}

}  // namespace ringcache::proxy
