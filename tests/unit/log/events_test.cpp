#include "log/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "core/text.h"
#include "log/capture.h"
#include "unit/log/every_event.h"
#include "unit/log/logfmt.h"

namespace ecrelay::log {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

Options text_options() { return {Level::debug, Format::text, "stdout", "relay-1"}; }
Options json_options() { return {Level::debug, Format::json, "stdout", "relay-1"}; }

boost::json::object parsed(const std::string& line) { return boost::json::parse(line).as_object(); }

std::string joined_keys(const boost::json::object& line) {
  std::string keys;
  for (const auto& field : line) {
    const std::string key(field.key());
    if (key != "ts" && key != "level" && key != "event" && key != "node") keys += " " + key;
  }
  return keys.empty() ? keys : keys.substr(1);
}

TEST(Events, EachWritesTheNameLevelAndFieldsThatTheReferencePromises) {
  const Capture capture(json_options());
  tell_every_event("x");
  const auto lines = capture.lines();
  std::map<std::string, std::string> told;
  for (const auto& line : lines) {
    const auto object = parsed(line);
    told[object.at("event").as_string().c_str()] =
        std::string(object.at("level").as_string()) + ": " + joined_keys(object);
  }
  for (const auto& row : reference()) {
    if (row.name == "log_lost") continue;
    EXPECT_EQ(told[std::string(row.name)],
              std::string(to_text(row.level)) + ": " + std::string(row.fields))
        << row.name;
  }
  EXPECT_EQ(told.size(), reference().size() - 1);
}

TEST(Events, HaveNamesOfTheirOwnAndAMeaning) {
  std::map<std::string_view, int> names;
  for (const auto& row : reference()) {
    EXPECT_EQ(++names[row.name], 1) << row.name;
    EXPECT_FALSE(row.meaning.empty()) << row.name;
  }
}

TEST(Events, BeginWithTimeInTokyoLevelEventAndNode) {
  const Capture capture(json_options());
  const TimePoint before = now();
  ready(Duration(7));
  const auto line = parsed(capture.lines().at(0));
  const std::string ts(line.at("ts").as_string());
  EXPECT_TRUE(ts.ends_with("+09:00"));
  EXPECT_GE(*parse_timestamp(ts), before);
  EXPECT_EQ(line.at("level").as_string(), "info");
  EXPECT_EQ(line.at("event").as_string(), "ready");
  EXPECT_EQ(line.at("node").as_string(), "relay-1");
  EXPECT_EQ(line.at("ms").as_int64(), 7);
}

TEST(Events, ReadAsKeysAndValuesInTextFormat) {
  const Capture capture(text_options());
  upstream_trouble("default", "smtp.example.net:587", "auth", {535, "5.7.8", "wrong password"});
  const auto record = logfmt::parse(capture.lines().at(0));
  ASSERT_TRUE(record);
  EXPECT_TRUE(parse_timestamp(record->time));
  EXPECT_EQ(record->level, "warning");
  EXPECT_EQ(record->event, "upstream_trouble");
  EXPECT_THAT(capture.lines().at(0),
              HasSubstr("node=relay-1 upstream=default server=smtp.example.net:587 stage=auth "
                        "code=535 enhanced=5.7.8 text=\"wrong password\""));
}

TEST(Events, LeaveOutWhatThereIsNot) {
  const Capture capture(json_options());
  message_rejected({"s1", *IpAddress::parse("2001:db8::1"), ""}, {"mail", "", "", "", ""}, {});
  EXPECT_EQ(joined_keys(parsed(capture.lines().at(0))), "session client stage");
}

TEST(Events, ShowTheNullSenderAsAnEmptyPath) {
  const Capture capture(json_options());
  message_accepted({Ulid(), "shop-a", "s1", "app-1", ""}, {});
  EXPECT_EQ(parsed(capture.lines().at(0)).at("sender").as_string(), "<>");
}

TEST(Events, NeverShowANegativeTime) {
  const Capture capture(json_options());
  ready(Duration(-5));
  EXPECT_EQ(parsed(capture.lines().at(0)).at("ms").as_int64(), 0);
}

TEST(Level, KeepsQuieterEventsOutAndCanChangeWhileRunning) {
  Options options = json_options();
  options.level = Level::warning;
  const Capture capture(options);
  ready(Duration(1));
  config_warning("w");
  internal_error("session", "e");
  EXPECT_THAT(capture.lines(), SizeIs(2));
  set_level(Level::error);
  config_warning("w");
  EXPECT_THAT(capture.lines(), SizeIs(2));
  set_level(Level::info);
  ready(Duration(1));
  EXPECT_THAT(capture.lines(), SizeIs(3));
}

TEST(Log, DropsEventsInSilenceWhenItHasNotStarted) {
  stop();
  tell_every_event("x");
  reopen();
  set_level(Level::debug);
  EXPECT_EQ(lost(), 0U);
}

}  // namespace
}  // namespace ecrelay::log
