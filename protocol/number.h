// Numbers of the wire: bounded decimal parse and format. No locale, no heap.
//
// Two kinds of parse. What clients send is read as memcached 1.6.18 reads it (strtol and its kin):
// leading white space and a sign are taken, and anything after white space is ignored ("5\tx" is
// 5). What nodes answer is read strictly: digits, nothing else.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/limits.h"

namespace ringcache::protocol {

// A client's word -> number. False when it is no number or out of range; `out` is then unchanged.
//
// parse_unsigned: at most 2^64-1. A negative one is taken modulo 2^64 when the result is below
// 2^63, as strtoull has it, and refused otherwise.
bool parse_unsigned(std::string_view word, std::uint64_t& out);
// parse_client_flags: the same, and the low 32 bits of it (memcached does not check the range).
bool parse_client_flags(std::string_view word, std::uint32_t& out);
// parse_signed: the range of int64.
bool parse_signed(std::string_view word, std::int64_t& out);
// parse_value_bytes: parse_signed within 0 and kValueBytesNameable.
bool parse_value_bytes(std::string_view word, std::uint32_t& out);

// Digits only, at least one, the range of uint64.
bool parse_digits(std::string_view word, std::uint64_t& out);

// REQUIRES: kNumberTextBytesMax bytes at `out`. Returns the end of what was written.
inline char* format_number(char* out, std::uint64_t number) {
  return std::to_chars(out, out + kNumberTextBytesMax, number).ptr;
}
inline char* format_number(char* out, std::int64_t number) {
  return std::to_chars(out, out + kNumberTextBytesMax, number).ptr;
}

}  // namespace ringcache::protocol
