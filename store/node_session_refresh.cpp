// What a session has to do with `refresh_certs`: it executes nothing more until it is answered.
#include <algorithm>
#include <string>

#include "net/worker.h"
#include "protocol/response.h"
#include "store/node_session.h"

namespace ringcache::store {

NodeSession::Step NodeSession::start_refresh(net::Connection& connection) {
  if (worker_.certificates == nullptr) {
    connection.out().append(protocol::kErrorNoTls);
    connection.out().append(protocol::kCrlf);
    return Step::kAgain;
  }
  std::uint64_t number = 0;
  worker_.executor.outside_batch(
      [&] { number = worker_.certificates->ask(connection.worker().index()); });
  worker_.refreshes.push_back({this, number});
  state_ = State::kRefresh;
  connection.pause_reading();
  return Step::kAgain;
}

void NodeSession::finish_refresh(const std::optional<std::string>& wrong) {
  net::Connection& connection = entry_.connection;
  // The text may name paths of any length.
  if (wrong) connection.out().append(*wrong + std::string(protocol::kCrlf));
  if (!wrong) connection.out().append(protocol::kOk);
  state_ = State::kCommands;
  connection.schedule_flush();
  connection.resume_reading();
  if (!connection.in().empty()) return;
  end_if_draining();
  if (input_ended_) connection.close_after_flush();
}

void NodeWorker::finish_refreshes(std::uint64_t number, const std::optional<std::string>& wrong) {
  // An answered session may ask again only later in the turn, so nothing is added meanwhile.
  const auto answered =
      std::partition(refreshes.begin(), refreshes.end(),
                     [number](const Refresh& each) { return each.number > number; });
  for (auto each = answered; each != refreshes.end(); ++each) each->session->finish_refresh(wrong);
  refreshes.erase(answered, refreshes.end());
}

void NodeWorker::abandon_refresh(const NodeSession& session) {
  std::erase_if(refreshes, [&](const Refresh& each) { return each.session == &session; });
}

}  // namespace ringcache::store
