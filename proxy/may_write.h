// Whether a request may change what a get after it is answered with.
#pragma once

#include "protocol/command.h"
#include "protocol/request.h"

namespace ringcache::proxy {

inline bool may_write(const protocol::Request& request) {
  using protocol::Command;
  if (request.command == Command::kGat || request.command == Command::kGats) return true;
  if (request.command == Command::kMetaGet) {
    return request.meta.has('N') || request.meta.has('T');  // makes an item; may expire it
  }
  return protocol::spec(request.command).command_class == protocol::CommandClass::kWrite;
}

}  // namespace ringcache::proxy
