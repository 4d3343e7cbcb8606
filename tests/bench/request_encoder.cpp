#include "tests/bench/request_encoder.h"

#include <charconv>
#include <cstring>
#include <string_view>

#include "tests/bench/value_pattern.h"

namespace ringcache::bench {
namespace {

// More than all fixed words and numbers of a request line together.
constexpr std::size_t kLineOverheadBytes = 96;

char* put(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* put(char* out, std::uint64_t number) {
  return std::to_chars(out, out + 20, number).ptr;
}

}  // namespace

char* RequestEncoder::get(char* out, std::span<const std::uint32_t> indices) const {
  if (!workload_.options.meta) {
    out = put(out, "get");
    for (const std::uint32_t index : indices) {
      *out++ = ' ';
      out = workload_.key_space.write(out, index);
    }
    return put(out, "\r\n");
  }
  const std::string_view flags = workload_.options.client_flags ? " k f v" : " k v";
  const bool many = indices.size() > 1;
  for (const std::uint32_t index : indices) {
    out = workload_.key_space.write(put(out, "mg "), index);
    out = put(put(out, flags), many ? " q\r\n" : "\r\n");
  }
  return many ? put(out, "mn\r\n") : out;
}

char* RequestEncoder::set(char* out, std::uint32_t index, std::uint32_t version,
                          bool noreply) const {
  const std::size_t bytes = workload_.sizes.of(index);
  out = workload_.options.meta ? meta_set_line(out, index, bytes, noreply)
                               : text_set_line(out, index, bytes, noreply);
  write_value(out, bytes, index, version);
  return put(out + bytes, "\r\n");
}

// set <key> <flags> <exptime> <bytes> [noreply]
char* RequestEncoder::text_set_line(char* out, std::uint32_t index, std::size_t bytes,
                                    bool noreply) const {
  out = workload_.key_space.write(put(out, "set "), index);
  *out++ = ' ';
  out = put(out, workload_.client_flags_of(index));
  *out++ = ' ';
  out = put(out, workload_.options.ttl_s);
  *out++ = ' ';
  out = put(out, bytes);
  return put(out, noreply ? " noreply\r\n" : "\r\n");
}

// ms <key> <bytes> [F<flags>] [T<ttl>] [q]
char* RequestEncoder::meta_set_line(char* out, std::uint32_t index, std::size_t bytes,
                                    bool noreply) const {
  out = workload_.key_space.write(put(out, "ms "), index);
  *out++ = ' ';
  out = put(out, bytes);
  if (workload_.options.client_flags) {
    out = put(put(out, " F"), workload_.client_flags_of(index));
  }
  if (workload_.options.ttl_s > 0) out = put(put(out, " T"), workload_.options.ttl_s);
  return put(out, noreply ? " q\r\n" : "\r\n");
}

char* RequestEncoder::barrier(char* out) {
  return put(out, "version\r\n");
}

std::size_t RequestEncoder::get_bytes_max() const {
  constexpr std::size_t kPerKeyOverhead = 16;  // "mg " and " k f v q\r\n"
  return kLineOverheadBytes +
         workload_.options.multiget * (workload_.key_space.key_bytes() + kPerKeyOverhead);
}

std::size_t RequestEncoder::set_bytes_max() const {
  return kLineOverheadBytes + workload_.key_space.key_bytes() + workload_.sizes.max();
}

}  // namespace ringcache::bench
