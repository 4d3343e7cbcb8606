#include "protocol/binary_response_writer.h"

#include "protocol/append.h"
#include "protocol/big_endian.h"

namespace ringcache::protocol {

char* write_binary_reply(char* out, const BinaryAnswer& answer, const BinaryReply& reply) {
  const std::size_t extras_bytes = reply.has_flags ? 4 : 0;
  const std::size_t body_bytes = extras_bytes + reply.key.size() + reply.value_bytes;
  out = append(out, static_cast<char>(kBinaryResponseMagic));
  out = append(out, static_cast<char>(answer.opcode));
  out = write_big_endian(out, static_cast<std::uint16_t>(reply.key.size()));
  out = append(out, static_cast<char>(extras_bytes));
  out = append(out, '\0');  // data type: raw bytes
  out = write_big_endian(out, static_cast<std::uint16_t>(reply.status));
  out = write_big_endian(out, static_cast<std::uint32_t>(body_bytes));
  out = write_big_endian(out, answer.opaque);
  out = write_big_endian(out, reply.cas);
  if (reply.has_flags) out = write_big_endian(out, reply.client_flags);
  return append(out, reply.key);
}

char* write_binary_text(char* out, const BinaryAnswer& answer, BinaryStatus status,
                        std::string_view text, std::uint64_t cas) {
  out = write_binary_reply(out, answer, {.status = status, .cas = cas, .value_bytes = text.size()});
  return append(out, text);
}

char* write_binary_number(char* out, const BinaryAnswer& answer, std::uint64_t number,
                          std::uint64_t cas) {
  out = write_binary_reply(out, answer, {.cas = cas, .value_bytes = sizeof(number)});
  return write_big_endian(out, number);
}

}  // namespace ringcache::protocol
