// Memcached nodes that say what they are told to, whatever they are asked: the nodes of a fuzzed
// proxy. One thread serves all of them, on UNIX sockets.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace ringcache::test {

// A connected blocking socket. Ends the process if there is none to be had.
int connect_unix(const std::string& path);

class ScriptedNodes {
 public:
  // Sockets at `path` + number.
  ScriptedNodes(const std::string& path, std::size_t count);
  ~ScriptedNodes();
  ScriptedNodes(const ScriptedNodes&) = delete;
  ScriptedNodes& operator=(const ScriptedNodes&) = delete;

  std::string address(std::size_t node) const { return "unix:" + paths_[node]; }
  // What all of them say next, in turns that lines "----" separate: one for each time that bytes
  // come on any connection. Then they close. A probe (`version` alone) has its right answer.
  void play(std::string_view turns);

 private:
  void run();
  void accept_all();
  // False: the connection is to be closed.
  bool answer(int fd);

  std::vector<std::string> paths_;
  std::vector<int> listeners_;
  std::vector<int> connections_;  // of the thread
  std::mutex mutex_;
  std::deque<std::string> turns_;  // under mutex_
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace ringcache::test
