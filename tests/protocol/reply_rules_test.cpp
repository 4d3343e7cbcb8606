#include "protocol/reply_rules.h"

#include <doctest/doctest.h>

namespace ringcache::protocol {

TEST_CASE("an error may answer every command, and every command but quit has another answer") {
  for (const CommandSpec& row : kCommandTable) {
    CAPTURE(row.name);
    CHECK(may_answer(row.command, ResponseStatus::kError));
    CHECK(may_answer(row.command, ResponseStatus::kClientError));
    CHECK(may_answer(row.command, ResponseStatus::kServerError));
    CHECK((reply_rules::answers_of(row.command) != 0) == (row.command != Command::kQuit));
  }
}

TEST_CASE("a command's own answers, and not those of its neighbours") {
  const struct {
    Command command;
    ResponseStatus good;
    ResponseStatus bad;
  } rows[] = {
      {Command::kGet, ResponseStatus::kValue, ResponseStatus::kMetaValue},
      {Command::kGats, ResponseStatus::kEnd, ResponseStatus::kStored},
      {Command::kSet, ResponseStatus::kStored, ResponseStatus::kTouched},
      {Command::kAppend, ResponseStatus::kNotStored, ResponseStatus::kExists},
      {Command::kCas, ResponseStatus::kExists, ResponseStatus::kNotStored},
      {Command::kDelete, ResponseStatus::kDeleted, ResponseStatus::kStored},
      {Command::kIncr, ResponseStatus::kNumber, ResponseStatus::kOk},
      {Command::kTouch, ResponseStatus::kTouched, ResponseStatus::kDeleted},
      {Command::kMetaGet, ResponseStatus::kMetaMiss, ResponseStatus::kMetaNotFound},
      {Command::kMetaSet, ResponseStatus::kMetaNotStored, ResponseStatus::kMetaValue},
      {Command::kMetaDelete, ResponseStatus::kMetaNotFound, ResponseStatus::kMetaNotStored},
      {Command::kMetaArithmetic, ResponseStatus::kMetaValue, ResponseStatus::kMetaMiss},
      {Command::kMetaDebug, ResponseStatus::kMetaDebug, ResponseStatus::kMetaHit},
      {Command::kMetaNoop, ResponseStatus::kMetaNoop, ResponseStatus::kMetaHit},
      {Command::kVersion, ResponseStatus::kVersion, ResponseStatus::kOk},
      {Command::kStats, ResponseStatus::kReset, ResponseStatus::kVersion},
      {Command::kFlushAll, ResponseStatus::kOk, ResponseStatus::kStored},
  };
  for (const auto& row : rows) {
    CAPTURE(name(row.command));
    CHECK(may_answer(row.command, row.good));
    CHECK_FALSE(may_answer(row.command, row.bad));
  }
}

}  // namespace ringcache::protocol
