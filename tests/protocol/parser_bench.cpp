// Nanoseconds per parsed or written element, everything in cache. Not a test: run it by hand from a
// release build, docs/protocol.md has figures.
#include <benchmark/benchmark.h>

#include <string>

#include "protocol/request_parser.h"
#include "protocol/request_writer.h"
#include "protocol/response_parser.h"
#include "protocol/response_writer.h"

namespace {

using namespace ringcache::protocol;

constexpr int kBatch = 64;  // requests in one read

void parse_requests(benchmark::State& state, const std::string& line) {
  std::string batch;
  for (int i = 0; i < kBatch; ++i) batch += line;
  Request request;
  RequestParser parser;
  for (auto _ : state) {
    std::string_view rest = batch;
    std::size_t consumed_bytes = 0;
    while (parser.parse(rest, request, consumed_bytes) == ParseResult::kDone) {
      rest.remove_prefix(consumed_bytes);
    }
    if (!rest.empty()) state.SkipWithError("not all was parsed");
    benchmark::DoNotOptimize(request);
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}

std::string multiget(int keys) {
  std::string line = "get";
  for (int i = 0; i < keys; ++i) line += " user:profile:0000" + std::to_string(1000 + i);
  return line + "\r\n";
}

BENCHMARK_CAPTURE(parse_requests, get_1, multiget(1));
BENCHMARK_CAPTURE(parse_requests, get_24, multiget(24));
BENCHMARK_CAPTURE(parse_requests, get_100_streamed, multiget(100));
BENCHMARK_CAPTURE(parse_requests, set, "set user:profile:00001000 0 0 0\r\n");
BENCHMARK_CAPTURE(parse_requests, delete_, "delete user:profile:00001000\r\n");
BENCHMARK_CAPTURE(parse_requests, incr, "incr user:profile:00001000 1\r\n");
BENCHMARK_CAPTURE(parse_requests, mg_v, "mg user:profile:00001000 v\r\n");
BENCHMARK_CAPTURE(parse_requests, mg_many,
                  "mg user:profile:00001000 s v t f c k q N30 Oabcdef\r\n");

void parse_value(benchmark::State& state) {
  const std::string reply = "VALUE user:profile:00001000 0 " + std::to_string(state.range(0)) +
                            "\r\n" + std::string(static_cast<std::size_t>(state.range(0)), 'v') +
                            "\r\n";
  const ResponseParser parser(1024 * 1024);
  Response response;
  std::size_t consumed_bytes = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(parser.parse(reply, ReplyKind::kValues, response, consumed_bytes));
  }
}
BENCHMARK(parse_value)->Arg(100)->Arg(100'000);

void forward_set(benchmark::State& state) {
  RequestParser parser;
  Request request;
  std::size_t consumed_bytes = 0;
  parser.parse("set user:profile:00001000 5 3600 100 noreply\r\n", request, consumed_bytes);
  std::string out(request_line_bytes_max(request), ' ');
  for (auto _ : state) benchmark::DoNotOptimize(write_request_line(out.data(), request));
}
BENCHMARK(forward_set);

void value_header(benchmark::State& state) {
  constexpr std::string_view kKey = "user:profile:00001000";
  std::string out(value_header_bytes_max(kKey), ' ');
  for (auto _ : state) benchmark::DoNotOptimize(write_value_header(out.data(), kKey, 5, 100));
}
BENCHMARK(value_header);

}  // namespace

BENCHMARK_MAIN();
