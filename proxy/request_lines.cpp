#include "proxy/request_lines.h"

#include <limits>

#include "protocol/limits.h"
#include "protocol/request_writer.h"
#include "protocol/response.h"
#include "proxy/reply_delivery.h"

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

void send_or_fail(Upstream& upstream, InFlight& entry, std::string_view line, net::SteadyNs now,
                  const DataBlock& data) {
  const auto failure = upstream.send(entry, line, data);
  if (!failure) return;
  deliver_failure(entry, *failure, upstream.settings().node, upstream.counters());
  entry.pending->part_done(now);
}

}  // namespace ringcache::proxy
