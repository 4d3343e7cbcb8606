// What to tell somebody whose file is not JSON.
//
// The parser knows only "unexpected X, expected Y" after the fact. From the place where it stopped
// and the tokens before, the usual mistakes can be named: a comma too many or too few, a quote
// that is missing, a bracket that is never closed. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "config/diagnostics.h"

namespace ringcache::config {

// Offset of the first byte at or after `offset` that is neither a blank nor in a comment; the size
// of the text if there is none.
std::size_t skip_blanks(std::string_view text, std::size_t offset);

// What the parser expects behind the last token that was good.
enum class JsonExpectation : std::uint8_t {
  kDocument,       // the one value of the text
  kEnd,            // nothing more: the value is complete
  kFirstKey,       // behind {
  kColon,          // behind a key
  kFirstElement,   // behind [
  kCommaInObject,  // behind a member
  kCommaInArray,   // behind an element
};

struct JsonSyntaxError {
  JsonExpectation expectation;
  std::size_t last_end;             // end of the last good token
  std::size_t stopped_at;           // bytes that the parser has consumed
  bool token_is_malformed;          // the parser could not even read the next token
  std::string_view parser_message;  // the parser's own words, used where we know no better
  std::size_t open_bracket;         // offset of the innermost open { or [, if there is one
};

void report_syntax_error(const SourceText& source, const JsonSyntaxError& error,
                         Diagnostics& diagnostics);

}  // namespace ringcache::config
