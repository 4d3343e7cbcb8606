// ClientSession: one client's connection: parse, plan, send to the nodes, answer in order.
//
//   on_bytes   each complete request of the read buffer becomes a PendingRequest at the end of the
//              client's list and goes to its node (client_commands.cpp says which and how)
//   append     bytes of an answer: to the client if the request is its oldest, else kept in it
//   release_finished   oldest finished requests leave; what waited behind them is written
//
// Back-pressure: it is not read from while it has pipeline_per_client requests out, or while what
// waits for it and what its requests will probably bring (as many times its largest answer of late)
// is more than a kOutputHighDivisor-th of client_output_bytes; before its first answer
// kFirstRequestsMax may be out. A multiget of more keys than multiget_keys_max() is taken part by
// part, each when the one before it is answered. Above the whole of client_output_bytes it is
// closed, because replies that are on their way cannot be stopped without stopping other clients.
//
// Whoever begins with the first byte of the binary protocol is spoken to in it (client_binary.cpp).
//
// Lives from accept to close on one worker, owned by its net::Connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "net/connection.h"
#include "net/deadline.h"
#include "protocol/request_parser.h"
#include "proxy/pending_request.h"
#include "proxy/proxy_worker.h"

namespace ringcache::proxy {

class ClientSession final : public net::ConnectionHandler {
 public:
  ClientSession(ProxyWorker& worker, net::Connection& connection);
  ~ClientSession() override;

  void on_bytes(net::Connection& connection) override;
  void on_closed(net::Connection& connection, const net::CloseInfo& info) override;
  void on_end_of_input(net::Connection& connection) override;
  void on_drain(net::Connection& connection) override;

  // What a client may have out before anything is known of the size of its answers.
  static constexpr std::size_t kFirstRequestsMax = 32;
  // The share of client_output_bytes above which a client is not read from.
  static constexpr std::size_t kOutputHighDivisor = 64;
  // Where a password is asked for: bytes of answers that may wait for a client that has given none.
  // One that goes on asking and does not read is closed.
  static constexpr std::size_t kStrangerOutputBytesMax = 64 * 1024;

  // For PendingRequest.
  void append(PendingRequest& request, const ReplyBytes& reply);
  void release_finished();
  bool is_oldest(const PendingRequest& request) const { return &request == oldest_; }
  // What waits for the client to take it.
  net::WriteBuffer& output() { return connection_.out(); }
  // A value that was begun towards the client will not come whole.
  void value_cut_short() { cut(ClientCut::kValueCutShort); }

  // For who passes its data block on (client_uploads.cpp): go on, or try again; the connection to
  // the node is gone; nothing came for too long.
  void upload_goes_on();
  void upload_over();
  void upload_stalled() { cut(ClientCut::kStalled); }

 private:
  enum class Step : std::uint8_t { kGoOn, kStop };  // whether another request may be taken now
  enum class Protocol : std::uint8_t { kUnknown, kText, kBinary };

  // Whether another request must wait for answers to leave.
  bool window_full() const;
  void learn_size(std::size_t answer_bytes);
  Step next_request();
  Step next_line();
  Step refuse(const protocol::Request& request, std::size_t line_bytes);
  Step take_with_value(const protocol::Request& request, std::size_t line_bytes);
  Step swallow();
  void put(PendingRequest& request, const ReplyBytes& reply);
  void cut(ClientCut reason);
  void end_when_idle();

  std::size_t multiget_keys_max() const;

  // client_admission.cpp
  void begin_as_stranger();
  bool admit();
  bool take_auth_step(const net::Credentials& credentials);

  // client_lanes.cpp
  bool must_wait(const protocol::Request& request) const;
  std::uint64_t known_large(const protocol::Request& request, std::size_t mark) const;
  Upstream& upstream_to(routing::Target target, std::uint64_t large_bytes);
  void note_write(const protocol::Request& request, PendingRequest& pending);
  void note_large(std::uint64_t large_bytes, PendingRequest& pending);
  void learn_lanes(const PendingRequest& answered);
  Step hold_back();

  // client_uploads.cpp
  bool is_upload(const protocol::Request& request) const;
  Step begin_upload(const protocol::Request& request, std::size_t line_bytes);
  Step pass_upload_on();
  bool leave_upload();
  void drop_upload();

  // client_binary.cpp
  void choose_protocol();
  Step next_packet();
  Step refuse_packet(std::size_t packet_bytes);
  void append_packets(PendingRequest& request, const ReplyBytes& reply);
  // What the client ends a data block with, and what has to be put behind it for a node.
  std::string_view data_end() const { return is_binary() ? std::string_view{} : protocol::kCrlf; }
  std::string_view missing_data_end() const { return protocol::kCrlf.substr(data_end().size()); }
  bool is_binary() const { return protocol_ == Protocol::kBinary; }

  // client_shadows.cpp
  void shadow(const protocol::Request& request, routing::PoolIndex pool, const DataBlock& data);
  void shadow_multiget(const protocol::Request& request);
  void count_shadow_of_upload(const protocol::Request& request, routing::PoolIndex pool);

  // client_replicas.cpp
  bool is_replicated(routing::PoolIndex pool) const;
  bool replicate(const protocol::Request& request, const routing::RoutePlan& plan,
                 const DataBlock& data, PendingRequest& pending);
  ReplicaWrite::Place replica_place(const routing::RoutePlan& plan);
  void read_any(const protocol::Request& request, const routing::RoutePlan& plan,
                PendingRequest& pending);
  void write_all(const protocol::Request& request, const routing::RoutePlan& plan,
                 const DataBlock& data, PendingRequest& pending);
  void decide_by_owner(const protocol::Request& request, const routing::RoutePlan& plan,
                       PendingRequest& pending);
  void forget_copies(const protocol::Request& request, const routing::RoutePlan& plan,
                     std::string_view key);

  // client_commands.cpp
  void execute(const protocol::Request& request, std::string_view data_block);
  bool share(const protocol::Request& request, routing::PoolIndex pool, PendingRequest& pending);
  bool within_rate(protocol::Command command, std::string_view key, routing::PoolIndex pool);
  void refuse_for_rate(const protocol::Request& request, const routing::RoutePlan& plan);
  void refuse_and_forget(const protocol::Request& request, const routing::RoutePlan& plan,
                         std::string_view line);
  bool answer_nearby(std::string_view reply, PendingRequest& pending);
  void execute_multiget(const protocol::Request& request);
  void execute_on_all(const protocol::Request& request);
  void execute_local(const protocol::Request& request);
  void execute_stats(const protocol::Request& request);
  void forget_oversized(const protocol::Request& request);
  PendingRequest& begin(const protocol::Request& request, PoolCounters* pool, std::uint32_t parts);
  void answer(const protocol::Request& request, std::string_view whole_lines);
  void answer_line(std::string_view line);

  ProxyWorker& worker_;
  net::Connection& connection_;
  protocol::RequestParser parser_;
  Protocol protocol_ = Protocol::kUnknown;
  const std::size_t number_;  // chooses among several connections to a node
  // Until the password is given: when its time is over. nullptr: it is known, or none is asked for.
  std::unique_ptr<net::Timer> stranger_;
  PendingRequest* oldest_ = nullptr;
  PendingRequest* newest_ = nullptr;
  std::size_t pending_count_ = 0;
  std::size_t answer_bytes_ = 0;       // the largest answer of late; 0: none so far
  std::size_t waiting_bytes_ = 0;      // in the replies of requests that are not the oldest
  std::uint64_t large_out_bytes_ = 0;  // of values that are expected by connections for large ones
  Upstream* upload_ = nullptr;         // takes the data block that is arriving
  std::uint64_t upload_left_ = 0;      // bytes of it to come
  net::SteadyNs upload_waits_since_ = 0;  // 0: does not wait for a connection
  bool upload_out_ = false;               // nothing behind it is taken until it is answered
  std::size_t writes_out_ = 0;            // requests that may write and await their replies
  std::size_t bytes_needed_ = 0;          // do not parse before so many bytes are there
  std::uint64_t swallow_left_ = 0;        // bytes of a refused data block still to drop
  bool ending_ = false;       // no more requests are taken; close when all answers are out
  bool input_ended_ = false;  // the client sends no more; what it has sent is still answered
  bool held_back_ = false;    // complete requests may be waiting in the read buffer
  bool closed_ = false;
};

}  // namespace ringcache::proxy
