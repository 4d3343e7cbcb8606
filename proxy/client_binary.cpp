// ClientSession's binary protocol: who begins with its first byte is read packet by packet. Each
// packet is a text command to the rest of the proxy, and the reply to that is made a packet again
// where it goes to the client; so pools, limits, order and failures are those of every client.
#include <string>

#include "protocol/binary_request_parser.h"
#include "protocol/binary_response_writer.h"
#include "protocol/binary_translation.h"
#include "protocol/request_parser.h"
#include "proxy/client_session.h"

namespace ringcache::proxy {

using protocol::BinaryCommand;
using protocol::BinaryRequest;
using protocol::BinaryStatus;
using protocol::ParseResult;
using protocol::Request;

// REQUIRES input.
void ClientSession::choose_protocol() {
  const auto first = static_cast<unsigned char>(connection_.in().bytes()[0]);
  protocol_ = first == protocol::kBinaryRequestMagic ? Protocol::kBinary : Protocol::kText;
}

ClientSession::Step ClientSession::next_packet() {
  net::ReadBuffer& in = connection_.in();
  BinaryRequest& packet = worker_.packet();
  std::size_t consumed = 0;
  const ParseResult result = protocol::parse_binary_request(in.bytes(), packet, consumed);
  if (result == ParseResult::kNeedMore) return Step::kStop;
  if (result == ParseResult::kInvalid) return refuse_packet(consumed);
  char* const line = worker_.packet_line().data();
  const char* const end = protocol::write_as_text(line, packet);
  if (end == nullptr) {
    packet.status = BinaryStatus::kInvalidArguments;
    packet.swallow_bytes = packet.value_bytes;
    return refuse_packet(consumed);
  }
  Request& request = worker_.request();
  protocol::RequestParser parser;
  std::size_t line_bytes = 0;
  const std::string_view text(line, static_cast<std::size_t>(end - line));
  if (parser.parse(text, request, line_bytes) != ParseResult::kDone) {
    packet.status = BinaryStatus::kInvalidArguments;
    packet.swallow_bytes = packet.value_bytes;
    return refuse_packet(consumed);
  }
  if (pending_count_ > 0 && must_wait(request)) return hold_back();
  if (packet.has_value()) return take_with_value(request, consumed);
  execute(request, {});
  in.consume(consumed);
  if (packet.answer.command != BinaryCommand::kQuit) return Step::kGoOn;
  ending_ = true;
  in.consume(in.size());
  end_when_idle();
  return Step::kStop;
}

// Answers a packet that means nothing here, and drops its value; or ends, where nothing behind it
// can be told apart.
ClientSession::Step ClientSession::refuse_packet(std::size_t packet_bytes) {
  const BinaryRequest& packet = worker_.packet();
  worker_.counters().protocol_errors[static_cast<std::size_t>(ProtocolError::kCommand)].add();
  if (packet.status != BinaryStatus::kSuccess) {
    std::array<char, protocol::kBinaryStatusBytesMax> answer;
    const char* const end =
        protocol::write_binary_status(answer.data(), packet.answer, packet.status);
    Request& request = worker_.request();
    request.command = protocol::Command::kMetaNoop;
    request.quiet = false;
    PendingRequest& pending = begin(request, nullptr, 1);
    pending.packets.clear();  // it is one already
    pending.append({answer.data(), static_cast<std::size_t>(end - answer.data())});
    pending.part_done(pending.started);
  }
  net::ReadBuffer& in = connection_.in();
  in.consume(packet.close ? in.size() : packet_bytes);
  swallow_left_ = packet.swallow_bytes;
  if (!packet.close) return Step::kGoOn;
  ending_ = true;
  end_when_idle();
  return Step::kStop;
}

void ClientSession::append_packets(PendingRequest& request, const ReplyBytes& reply) {
  if (request.command == protocol::Command::kStats) {
    std::string packets;
    request.packets.write_stats(reply.bytes, packets);
    return put(request, {packets});
  }
  ReplyPackets::Scratch scratch;
  const ReplyPackets::Piece piece = request.packets.take(request.command, reply.bytes, scratch);
  if (!piece.head.empty()) put(request, {piece.head});
  if (piece.value.empty() || closed_) return;
  // What is at the front of its buffer may be moved out of it.
  const bool in_front = reply.from != nullptr && reply.from->bytes().data() == reply.bytes.data();
  if (in_front) reply.from->consume(piece.skip_bytes);
  put(request, {piece.value, in_front ? reply.from : nullptr});
}

}  // namespace ringcache::proxy
