// ring_place: prints which node our rings give each key to.
//
//   ring_place RING HASH|- TAG|- NODE...  < keys
//
// NODE is ADDRESS[,weight=N][,name=NAME]. Keys come one a line on standard input; for each the
// owner's index in the list of nodes goes to standard output. HASH "-" is the ring's own.
#include <charconv>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>

#include "routing/pool.h"

namespace {

using namespace ringcache::routing;

bool parse_node(std::string_view text, Backend& backend) {
  const std::size_t comma = text.find(',');
  BackendParse parsed = parse_backend(text.substr(0, comma));
  if (!parsed.ok()) {
    std::cerr << text << ": " << parsed.error << "\n";
    return false;
  }
  backend = parsed.backend;
  std::string_view rest = comma == std::string_view::npos ? "" : text.substr(comma + 1);
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    if (item.starts_with("name=")) {
      set_name(backend, item.substr(5));
    } else if (item.starts_with("weight=")) {
      std::from_chars(item.data() + 7, item.data() + item.size(), backend.weight);
    } else {
      std::cerr << "not understood: " << item << "\n";
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::cerr << "usage: ring_place RING HASH|- TAG|- ADDRESS[,weight=N][,name=NAME]... < keys\n";
    return 2;
  }
  PoolOptions options;
  options.allow_skew = true;
  const auto ring = find_ring_kind(argv[1]);
  const auto hash = find_key_hash(argv[2]);
  if (!ring || (!hash && std::string_view(argv[2]) != "-")) {
    std::cerr << "unknown ring or hash\n";
    return 2;
  }
  options.ring = *ring;
  options.hash = hash;
  if (std::string_view(argv[3]) != "-") options.hash_tag = argv[3];
  for (int i = 4; i < argc; ++i) {
    options.backends.emplace_back();
    if (!parse_node(argv[i], options.backends.back())) return 2;
  }
  for (const PoolProblem& problem : check_pool(options)) {
    if (problem.severity == ProblemSeverity::kWarning) continue;
    std::cerr << problem.pointer << ": " << problem.text << "\n";
    return 2;
  }
  const Pool pool(options);
  std::ios::sync_with_stdio(false);
  for (std::string key; std::getline(std::cin, key);) {
    std::cout << pool.ring().owner(pool.hash(key)) << "\n";
  }
}
