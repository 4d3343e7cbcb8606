#include "proxy/command_line.h"

#include <doctest/doctest.h>

#include <vector>

namespace ringcache::proxy {

namespace {
CommandLineResult parse(std::vector<const char*> words) {
  words.insert(words.begin(), "ringcache-proxy");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}
}  // namespace

TEST_CASE("what to do") {
  CHECK(parse({"-c", "f"}).command_line->action == Action::kRun);
  CHECK(parse({"-n", "a:1,b:1"}).command_line->nodes == "a:1,b:1");
  CHECK(parse({"--check", "f"}).command_line->config_file == "f");
  CHECK(parse({"--check", "f", "--against", "g"}).command_line->against == "g");
  CHECK(parse({"--route", "k", "-c", "f"}).command_line->key == "k");
  CHECK(parse({"--print-config", "-c", "f"}).command_line->action == Action::kPrintConfig);
  CHECK(parse({"--print-schema"}).command_line->action == Action::kPrintSchema);
}

TEST_CASE("what overrides the configuration") {
  const auto result = parse({"-c", "f", "-l", "h:1", "-l", "h:2", "--admin", "off", "-t", "3"});
  REQUIRE(result.command_line);
  CHECK(result.command_line->listen == std::vector<std::string>{"h:1", "h:2"});
  CHECK(result.command_line->admin == "off");
  CHECK(result.command_line->threads == 3);
  CHECK_FALSE(parse({"-c", "f"}).command_line->threads);
}

TEST_CASE("mistakes are named and end with 2") {
  const auto mistake = [](std::vector<const char*> words, const char* named) {
    const auto result = parse(std::move(words));
    CAPTURE(result.text);
    CHECK_FALSE(result.command_line);
    CHECK(result.exit_code == 2);
    CHECK(result.text.find(named) != std::string::npos);
  };
  mistake({}, "-c FILE");
  mistake({"--nonsense"}, "--nonsense");
  mistake({"-c", "f", "-n", "a:1"}, "--config");
  mistake({"-c", "f", "-t", "99999"}, "99999");
  mistake({"--against", "g", "-c", "f"}, "--check");
  mistake({"--check", "f", "--route", "k"}, "exclude");
  mistake({"--check", "f", "-c", "g"}, "--check");
}

TEST_CASE("help and version end with 0") {
  CHECK(parse({"--help"}).exit_code == 0);
  CHECK(parse({"--help"}).text.find("--check") != std::string::npos);
  CHECK(parse({"-V"}).text.find("ringcache-proxy") == 0);
}

}  // namespace ringcache::proxy
