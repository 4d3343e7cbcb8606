// The words of a meta command line (mg ms md ma me) -> Request.
//
// Source: memcached doc/protocol.txt, sections "Meta Get" to "Meta Arithmetic" and "Meta Debug".
#pragma once

#include "protocol/command.h"
#include "protocol/parse_result.h"
#include "protocol/request.h"
#include "protocol/words.h"

namespace ringcache::protocol {

// REQUIRES: request.command is mg, ms, md, ma or me; words[0] is its name.
ParseResult parse_meta_line(const Words& words, Request& request);

}  // namespace ringcache::protocol
