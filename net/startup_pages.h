// Gives back what only the start of the process needed.
//
// A dynamically linked program touches megabytes of its libraries while they initialize and the
// command line is read, and they count as its resident memory from then on. They are clean pages of
// files: dropped, the few that are needed again come back from the page cache at a minor fault
// each.
#pragma once

namespace ringcache::net {

// Drops the pages of the program and its libraries that can't be written to. Any thread, once, when
// the process is ready; others may run meanwhile. Does nothing for locked memory (mlockall), nor in
// a debugger: its breakpoints are written into these pages, and would be gone.
void release_startup_pages();

}  // namespace ringcache::net
