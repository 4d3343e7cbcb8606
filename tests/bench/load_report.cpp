#include "tests/bench/load_report.h"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace ringcache::bench {
namespace {

using Json = nlohmann::ordered_json;

double per(double amount, std::uint64_t count) {
  return count == 0 ? 0.0 : amount / static_cast<double>(count);
}

// What %llu takes.
unsigned long long printable(std::uint64_t count) {
  return count;
}

double hit_ratio(const Counters& counters) {
  return per(static_cast<double>(counters.hits), counters.hits + counters.misses);
}

Histogram all_latency(const LoadResult& result) {
  Histogram all = result.get_latency;
  all.merge(result.set_latency);
  return all;
}

Json latency_json(const Histogram& latency) {
  const auto us = [&latency](double share) {
    return static_cast<double>(latency.percentile_ns(share)) * 1e-3;
  };
  return {{"count", latency.count()},
          {"mean", latency.mean_ns() * 1e-3},
          {"p50", us(0.5)},
          {"p90", us(0.9)},
          {"p99", us(0.99)},
          {"p99_9", us(0.999)},
          {"max", static_cast<double>(latency.max_ns()) * 1e-3}};
}

Json counters_json(const Counters& counters) {
  Json json;
  for (const CounterRow& row : kCounterRows) json[std::string(row.name)] = counters.*row.member;
  json["wrong"] = counters.wrong();
  return json;
}

__attribute__((format(printf, 2, 3))) void append(std::string& text, const char* format, ...) {
  std::array<char, 512> line;
  va_list arguments;
  va_start(arguments, format);
  // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is not, see the line above.
  const int size = std::vsnprintf(line.data(), line.size(), format, arguments);
  va_end(arguments);
  if (size > 0) text.append(line.data(), std::min<std::size_t>(size, line.size() - 1));
}

void append_latency(std::string& text, const char* name, const Histogram& latency) {
  if (latency.count() == 0) return;
  const Json us = latency_json(latency);
  append(text, "%-9s %10.1f %10.1f %10.1f %10.1f %10.1f %10.1f\n", name, us["mean"].get<double>(),
         us["p50"].get<double>(), us["p90"].get<double>(), us["p99"].get<double>(),
         us["p99_9"].get<double>(), us["max"].get<double>());
}

void append_problems(std::string& text, const LoadResult& result) {
  constexpr std::string_view kProblems[] = {"error_replies",    "crossed",       "wrong_length",
                                            "wrong_flags",      "wrong_content", "malformed",
                                            "lost_connections", "unanswered",    "unsent"};
  for (const CounterRow& row : kCounterRows) {
    const std::uint64_t count = result.total.*row.member;
    if (count == 0 ||
        std::find(std::begin(kProblems), std::end(kProblems), row.name) == std::end(kProblems)) {
      continue;
    }
    append(text, "%-18s%llu\n", std::string(row.name).c_str(), printable(count));
  }
  if (!result.first_problem.empty()) {
    text += "first problem     " + result.first_problem + "\n";
  }
}

}  // namespace

std::string load_report_json(const LoadOptions& options, const LoadResult& result) {
  const Counters& measured = result.measured;
  Json json;
  json["server"] = options.server;
  json["seconds"] = result.measured_s;
  if (options.preload) {
    json["preload"] = counters_json(result.preload);
    json["preload"]["seconds"] = result.preload_s;
  }
  json["measured"] = counters_json(measured);
  json["total"] = counters_json(result.total);
  const double seconds = result.measured_s > 0 ? result.measured_s : 1;
  json["requests_per_second"] = static_cast<double>(measured.requests) / seconds;
  json["keys_per_second"] = static_cast<double>(measured.keys) / seconds;
  json["hit_ratio"] = hit_ratio(measured);
  json["latency_us"] = latency_json(all_latency(result));
  json["get_latency_us"] = latency_json(result.get_latency);
  json["set_latency_us"] = latency_json(result.set_latency);
  json["load_cpu_us_per_request"] = per(result.own_cpu_s * 1e6, measured.requests);
  json["servers"] = Json::array();
  for (const LoadResult::Server& server : result.servers) {
    const double cpu_us = (server.used.user_s + server.used.system_s) * 1e6;
    json["servers"].push_back(
        {{"pid", server.pid},
         {"cpu_seconds", cpu_us * 1e-6},
         {"cpu_us_per_request", per(cpu_us, measured.requests)},
         {"user_us_per_request", per(server.used.user_s * 1e6, measured.requests)},
         {"rss_bytes", server.used.rss_bytes}});
  }
  json["first_problem"] = result.first_problem;
  json["failed"] = result.failed(options.allow_errors);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string load_report_text(const LoadOptions& options, const LoadResult& result) {
  const Counters& measured = result.measured;
  std::string text;
  if (options.preload) {
    append(text, "preload           %llu keys in %.2f s\n", printable(result.preload.stored),
           result.preload_s);
  }
  if (result.measured_s > 0) {
    append(text, "requests          %llu in %.1f s = %.0f/s (%.0f keys/s)\n",
           printable(measured.requests), result.measured_s,
           static_cast<double>(measured.requests) / result.measured_s,
           static_cast<double>(measured.keys) / result.measured_s);
    append(text, "hits              %llu of %llu keys (%.2f %%)\n", printable(measured.hits),
           printable(measured.hits + measured.misses), hit_ratio(measured) * 100);
    append(text, "\n%-9s %10s %10s %10s %10s %10s %10s\n", "us", "mean", "p50", "p90", "p99",
           "p99.9", "max");
    append_latency(text, "all", all_latency(result));
    append_latency(text, "gets", result.get_latency);
    append_latency(text, "sets", result.set_latency);
    append(text, "\nCPU a request     %.2f us in the load generator\n",
           per(result.own_cpu_s * 1e6, measured.requests));
  }
  for (const LoadResult::Server& server : result.servers) {
    append(text, "                  %.2f us in process %d (%.2f user), RSS %.1f MB\n",
           per((server.used.user_s + server.used.system_s) * 1e6, measured.requests), server.pid,
           per(server.used.user_s * 1e6, measured.requests),
           static_cast<double>(server.used.rss_bytes) * 1e-6);
  }
  append_problems(text, result);
  text += result.failed(options.allow_errors) ? "FAILED\n" : "every value read was right\n";
  return text;
}

}  // namespace ringcache::bench
