#include "log/repeats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "log/capture.h"
#include "log/events.h"
#include "log/masking.h"

namespace ecrelay::log {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Repeats::Time start{};

TEST(Repeats, TheFirstOfAMinuteAreToldAndTheRestCounted) {
  Repeats repeats(3);
  int told = 0;
  for (int i = 0; i < 10; ++i)
    told += repeats.admit(Event::connect_refused, "192.0.2.7", start + 1s * i) ? 1 : 0;
  EXPECT_EQ(told, 3);
  EXPECT_TRUE(repeats.admit(Event::tls_failed, "192.0.2.7", start));
  EXPECT_TRUE(repeats.admit(Event::connect_refused, "192.0.2.8", start));
  EXPECT_THAT(repeats.over(start + 59s), IsEmpty());

  const auto left_out = repeats.over(start + 60s);
  ASSERT_THAT(left_out, SizeIs(1));
  EXPECT_EQ(left_out[0].client, "192.0.2.7");
  EXPECT_EQ(left_out[0].lines, 7U);
  EXPECT_TRUE(repeats.admit(Event::connect_refused, "192.0.2.7", start + 61s));
}

TEST(Repeats, ZeroTellsAll) {
  Repeats repeats(0);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(repeats.admit(Event::connect_refused, "x", start));
}

TEST(Repeats, ManyClientsShareWhatMemoryThereIs) {
  Repeats repeats(1);
  for (std::size_t i = 0; i < 2 * Repeats::most_clients; ++i)
    repeats.admit(Event::connect_refused, std::to_string(i), start);
  const auto left_out = repeats.over(start + 1min);
  ASSERT_THAT(left_out, SizeIs(1));
  EXPECT_EQ(left_out[0].client, "");
  EXPECT_EQ(left_out[0].lines, Repeats::most_clients - 1);
}

TEST(Repeats, WhatWasLeftOutIsToldAtTheEnd) {
  Options options;
  options.refusals_per_minute = 2;
  const Capture capture(options);
  const Peer peer{"s1", *IpAddress::parse("192.0.2.7"), ""};
  for (int i = 0; i < 5; ++i) connect_refused(peer, Answer{554, "5.7.1", "no"}, "stranger");
  EXPECT_THAT(capture.lines(), SizeIs(2));
  tell_repeated(std::chrono::steady_clock::now() + 2min);
  ASSERT_THAT(capture.lines(), SizeIs(3));
  EXPECT_THAT(
      capture.lines().back(),
      HasSubstr(R"("event":"repeated","of":"connect_refused","client":"192.0.2.7","lines":3)"));
  const auto all = counts();
  const auto refused = std::find_if(all.begin(), all.end(), [](const EventCount& each) {
    return each.event == "connect_refused";
  });
  EXPECT_EQ(refused->count, 5U);
}

TEST(Masking, LocalPartsAreShortenedWhereverTheyStand) {
  EXPECT_EQ(masked("hanako@customer.example"), "h***@customer.example");
  EXPECT_EQ(masked("550 <hanako.y+z@a.example>: unknown, not b@c.example"),
            "550 <h***@a.example>: unknown, not b***@c.example");
  EXPECT_EQ(masked("\"a b\"@c.example"), "\"***@c.example");
  EXPECT_EQ(masked("髙橋@c.example"), "髙***@c.example");
  EXPECT_EQ(masked("a..b@docomo.ne.jp"), "a***@docomo.ne.jp");
  EXPECT_EQ(masked("@ a@b@c.example no address"), "@ a***@***@c.example no address");
  EXPECT_EQ(masked("<>"), "<>");
}

TEST(Masking, FieldsOfALineAreMaskedAndTheMessageIdStays) {
  for (const Format format : {Format::json, Format::text}) {
    Options options;
    options.format = format;
    options.mask_addresses = true;
    const Capture capture(options);
    const Mail mail{Ulid(), "shop-a", "s1", "app-1", "info@shop-a.example"};
    message_accepted(mail, Acceptance{1, 0, 10, "<order-1@shop-a.example>", "live", Duration(1)});
    ASSERT_THAT(capture.lines(), SizeIs(1));
    EXPECT_THAT(capture.lines()[0], HasSubstr("i***@shop-a.example"));
    EXPECT_THAT(capture.lines()[0], HasSubstr("<order-1@shop-a.example>"));
  }
}

TEST(Priorities, LinesForTheJournalBeginWithTheirs) {
  Options options;
  options.priorities = true;
  const Capture capture(options);
  ready(Duration(1));
  config_warning("x");
  internal_error("x", "y");
  const auto lines = capture.lines();
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_TRUE(lines[0].starts_with("<6>{")) << lines[0];
  EXPECT_TRUE(lines[1].starts_with("<4>{")) << lines[1];
  EXPECT_TRUE(lines[2].starts_with("<3>{")) << lines[2];
}

}  // namespace
}  // namespace ecrelay::log
