// Packets of the binary protocol for tests, written byte by byte from protocol-binary.txt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ringcache::test {

struct Packet {
  std::uint8_t opcode = 0;
  std::string_view key = {};
  std::string_view extras = {};
  std::string_view value = {};
  std::uint64_t cas = 0;
  std::uint32_t opaque = 0;
  std::uint16_t status = 0;  // of an answer
};

inline std::string packet_bytes(std::uint8_t magic, const Packet& packet) {
  std::string bytes;
  const auto put = [&bytes](std::uint64_t number, int width) {
    while (width-- > 0) bytes.push_back(static_cast<char>(number >> (8 * width)));
  };
  put(magic, 1);
  put(packet.opcode, 1);
  put(packet.key.size(), 2);
  put(packet.extras.size(), 1);
  put(0, 1);
  put(packet.status, 2);
  put(packet.extras.size() + packet.key.size() + packet.value.size(), 4);
  put(packet.opaque, 4);
  put(packet.cas, 8);
  return bytes.append(packet.extras).append(packet.key).append(packet.value);
}
inline std::string request_packet(const Packet& packet) {
  return packet_bytes(0x80, packet);
}
inline std::string answer_packet(const Packet& packet) {
  return packet_bytes(0x81, packet);
}

}  // namespace ringcache::test
