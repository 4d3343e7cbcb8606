// Standard input, output and error of a process whose starter may have closed them.
//
// The system gives out the lowest descriptor that is free. In a process that began without one of
// the first three, a socket or an event loop gets its number: what writes to stderr then writes to
// a client, and what puts /dev/null in place of the terminal (a daemon) closes the event loop.
#pragma once

namespace ringcache::net {

// Opens /dev/null for those of the descriptors 0, 1 and 2 that are closed. For main(), before
// anything else is opened. False if it can't: there is no /dev/null, and nowhere to say so.
[[nodiscard]] bool open_standard_streams();

}  // namespace ringcache::net
