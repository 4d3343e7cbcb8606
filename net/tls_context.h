#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "net/clock.h"
#include "net/log.h"
#include "net/tls_options.h"
#include "net/tls_side.h"

struct ssl_ctx_st;
struct ssl_st;

/// The certificates and rules that the TLS connections of a listener share, and their counts.
///
/// refresh() reads every file into a new OpenSSL context and then puts it in the place of the old
/// one: connections that are open, or in their handshake, keep the old one until they end, and an
/// error changes nothing. Sessions of the old one are not resumed: a client certificate that was
/// withdrawn with its CA is asked for again.
///
/// Thread rule: any thread. Loads are one after the other, so the one that began last stays.
namespace ringcache::net {

class TlsContext final : public TlsSide {
 public:
  /// Reads no file: refresh() does, and must go well before the first new_session().
  explicit TlsContext(TlsOptions options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  /// What is wrong, in memcached's words and OpenSSL's, or nothing. Never asks for a passphrase: a
  /// key that has one is an error.
  [[nodiscard]] std::optional<std::string> refresh();
  /// The certificates and rules that `loaded` has read, in the place of these; the bounds of
  /// options() stay. `loaded` is used up, its refresh() REQUIRED to have gone well. So that several
  /// things can be read first and then all be put in place, or none.
  void take(TlsContext& loaded);
  /// As it was made; after take() its files and rules may be others.
  const TlsOptions& options() const { return options_; }
  /// TLS 1.0 and 1.1 are allowed, but this system's OpenSSL, or the list of ciphers, wants
  /// signatures that they do not have (a security level above 0). REQUIRES a refresh() that went
  /// well.
  bool forbids_old_versions() const;

  /// For a connection to accept; the caller frees it. nullptr: no memory.
  ssl_st* new_session() const;

  /// A handshake came to nothing. `silent`: the peer went away without a byte, as whoever only
  /// looks whether the port is open, which is counted but not logged.
  void count_error(std::string_view peer, std::string_view cause, bool silent, SteadyNs now);
  void count_timeout() { timeouts_.fetch_add(1, std::memory_order_relaxed); }
  void count_dropped() { dropped_.fetch_add(1, std::memory_order_relaxed); }
  void count_done() { done_.fetch_add(1, std::memory_order_relaxed); }

  /// Handshakes that ended well.
  std::uint64_t done() const { return done_.load(std::memory_order_relaxed); }
  std::uint64_t errors() const { return errors_.load(std::memory_order_relaxed); }
  std::uint64_t timeouts() const { return timeouts_.load(std::memory_order_relaxed); }
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  /// Sessions that clients may resume; counted only with session_cache.
  std::uint64_t new_sessions() const { return new_sessions_.load(std::memory_order_relaxed); }
  /// Unix time of the last refresh() that went well, in seconds.
  std::int64_t refreshed_unix_s() const { return refreshed_.load(std::memory_order_relaxed); }
  /// When the certificate ends, or one behind it in its file, in Unix seconds.
  std::int64_t not_after_unix_s() const { return not_after_.load(std::memory_order_relaxed); }

 private:
  struct FreeContext {
    void operator()(ssl_ctx_st* context) const;
  };
  using ContextPtr = std::unique_ptr<ssl_ctx_st, FreeContext>;

  void install(ContextPtr fresh);
  std::optional<std::string> load_files(ssl_ctx_st* context) const;
  std::optional<std::string> set_rules(ssl_ctx_st* context);

  const TlsOptions options_;
  std::mutex loading_;  // held for a whole refresh(), taken before the other one
  mutable std::mutex mutex_;
  ContextPtr context_;  // under mutex_
  LogLimiter log_;
  std::atomic<std::uint64_t> errors_{0};
  std::atomic<std::uint64_t> timeouts_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> done_{0};
  std::atomic<std::uint64_t> new_sessions_{0};
  std::atomic<std::int64_t> refreshed_{0};
  std::atomic<std::int64_t> not_after_{0};
};

/// OpenSSL's text for the oldest error of this thread, whose errors are then forgotten; empty if
/// there was none.
std::string take_openssl_error();

}  // namespace ringcache::net
