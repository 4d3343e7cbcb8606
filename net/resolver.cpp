#include "net/resolver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

namespace ringcache::net {

std::string Endpoint::text() const {
  std::array<char, INET6_ADDRSTRLEN> number{};
  if (family() == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, &storage, sizeof address);
    ::inet_ntop(AF_INET, &address.sin_addr, number.data(), number.size());
    return std::string(number.data()) + ':' + std::to_string(ntohs(address.sin_port));
  }
  if (family() == AF_INET6) {
    sockaddr_in6 address{};
    std::memcpy(&address, &storage, sizeof address);
    ::inet_ntop(AF_INET6, &address.sin6_addr, number.data(), number.size());
    return '[' + std::string(number.data()) + "]:" + std::to_string(ntohs(address.sin6_port));
  }
  return "unix";
}

bool numeric_endpoint(const std::string& host, std::uint16_t port, Endpoint& endpoint) {
  sockaddr_in v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&endpoint.storage, &v4, sizeof v4);
    endpoint.length = sizeof v4;
    return true;
  }
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&endpoint.storage, &v6, sizeof v6);
    endpoint.length = sizeof v6;
    return true;
  }
  return false;
}

bool unix_endpoint(const std::string& path, Endpoint& endpoint) {
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path) return false;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  std::memcpy(&endpoint.storage, &address, sizeof address);
  endpoint.length = sizeof address;
  return true;
}

std::error_code Resolver::resolve_now(const std::string& host, std::uint16_t port,
                                      std::vector<Endpoint>& endpoints) {
  asio::io_context context(1);
  asio::ip::tcp::resolver resolver(context);
  std::error_code error;
  const auto results =
      resolver.resolve(host, std::to_string(port), asio::ip::tcp::resolver::numeric_service, error);
  for (const auto& entry : results) {
    const asio::ip::tcp::endpoint found = entry.endpoint();
    Endpoint& endpoint = endpoints.emplace_back();
    std::memcpy(&endpoint.storage, found.data(), found.size());
    endpoint.length = static_cast<socklen_t>(found.size());
  }
  return error;
}

class Resolver::Impl {
 public:
  ~Impl() {
    if (!pool_) return;
    pool_->stop();
    pool_->join();
  }
  asio::thread_pool& pool() {
    const std::lock_guard lock(mutex_);
    if (!pool_) pool_.emplace(1);
    return *pool_;
  }

 private:
  std::mutex mutex_;
  std::optional<asio::thread_pool> pool_;
};

Resolver::Resolver() : impl_(std::make_unique<Impl>()) {}
Resolver::~Resolver() = default;

void Resolver::resolve(std::string host, std::uint16_t port, Done done) {
  asio::post(impl_->pool(), [host = std::move(host), port, done = std::move(done)] {
    std::vector<Endpoint> endpoints;
    const std::error_code error = resolve_now(host, port, endpoints);
    done(error, std::move(endpoints));
  });
}

}  // namespace ringcache::net
