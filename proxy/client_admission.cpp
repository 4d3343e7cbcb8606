// ClientSession before the client has said who it is, where a password is asked for.
//
// A stranger holds its unread input, a line and a token at most (protocol/authentication.h), its
// unread answers up to kStrangerOutputBytesMax, and a timer; nothing of it reaches a node.
#include <memory>

#include "net/credentials.h"
#include "net/log.h"
#include "net/worker.h"
#include "protocol/authentication.h"
#include "protocol/sasl_authentication.h"
#include "proxy/client_session.h"

namespace ringcache::proxy {

using protocol::AuthVerdict;

void ClientSession::begin_as_stranger() {
  stranger_ = std::make_unique<net::Timer>(worker_.io().timers(), [this] {
    worker_.counters().client_auth[static_cast<std::size_t>(ClientAuth::kTimeout)].add();
    closed_ = true;
    connection_.close();
  });
  const std::chrono::milliseconds limit = worker_.table().auth_timeout();
  if (limit.count() > 0) stranger_->after(limit);
}

// Whether its next bytes are requests.
bool ClientSession::admit() {
  if (protocol_ == Protocol::kUnknown && !connection_.in().empty()) choose_protocol();
  const std::shared_ptr<const net::Credentials> credentials = worker_.table().credentials();
  while (!connection_.in().empty()) {
    if (swallow_left_ > 0) {
      swallow();
    } else if (credentials == nullptr) {  // none is asked for any more
      stranger_.reset();
      return true;
    } else if (take_auth_step(*credentials)) {
      break;
    }
  }
  return stranger_ == nullptr && !closed_;
}

// True: nothing more of the input can be looked at so.
bool ClientSession::take_auth_step(const net::Credentials& credentials) {
  const std::string_view bytes = connection_.in().bytes();
  protocol::SaslStep sasl;
  if (is_binary()) {
    protocol::authenticate_packet(bytes, credentials, sasl);
  } else {
    sasl.step = protocol::authenticate(bytes, credentials);
  }
  const protocol::AuthStep& step = sasl.step;
  connection_.in().consume(step.consumed_bytes);
  connection_.out().append(step.answer);
  swallow_left_ = step.swallow_bytes;
  ClientAuth result = ClientAuth::kMalformed;
  if (step.verdict == AuthVerdict::kNeedMore) return true;
  if (step.verdict == AuthVerdict::kGranted) result = ClientAuth::kGranted;
  if (step.verdict == AuthVerdict::kWrong) result = ClientAuth::kWrong;
  worker_.counters().client_auth[static_cast<std::size_t>(result)].add();
  if (step.verdict == AuthVerdict::kWrong) {
    if (const auto suppressed = worker_.auth_log().admit(worker_.io().now_ns())) {
      net::log_warn("wrong name or password",
                    {{"peer", connection_.peer()}, {"suppressed", *suppressed}});
    }
  }
  if (step.verdict == AuthVerdict::kGranted) {
    stranger_.reset();
    return true;
  }
  if (step.verdict == AuthVerdict::kClose) {
    ending_ = true;
    return true;
  }
  if (connection_.out().bytes() <= kStrangerOutputBytesMax) return false;
  cut(ClientCut::kStrangerOutput);
  return true;
}

}  // namespace ringcache::proxy
