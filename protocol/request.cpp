#include "protocol/request.h"

#include <algorithm>

namespace ringcache::protocol {

SavedMetaFlags::SavedMetaFlags(const MetaFlags& flags)
    : letter_count_(static_cast<std::uint8_t>(flags.count)),
      opaque_bytes_(static_cast<std::uint8_t>(flags.opaque.size())) {
  std::copy_n(flags.letter_storage.begin(), flags.count, letters_.begin());
  std::copy_n(flags.opaque.begin(), flags.opaque.size(), opaque_.begin());
}

}  // namespace ringcache::protocol
