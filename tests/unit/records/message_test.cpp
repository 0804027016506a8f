#include "records/message.h"

#include <gtest/gtest.h>

#include "core/text.h"
#include "records/charge.h"

namespace ecrelay::records {
namespace {

TEST(Words, OfEveryValueReadBackAsThatValue) {
  for (const State state : {State::queued, State::held, State::sent, State::bounced,
                            State::suppressed, State::expired, State::cancelled, State::sandboxed})
    EXPECT_EQ(parse_state(text(state)), state) << text(state);
  for (const Lane lane : {Lane::transactional, Lane::bulk}) EXPECT_EQ(parse_lane(text(lane)), lane);
  for (const Kind kind : {Kind::mail, Kind::report, Kind::test})
    EXPECT_EQ(parse_kind(text(kind)), kind);
  for (const Unit unit : {Unit::message, Unit::recipient}) EXPECT_EQ(parse_unit(text(unit)), unit);
  for (const EntryKind kind : {EntryKind::charge, EntryKind::reversal, EntryKind::adjustment})
    EXPECT_EQ(parse_entry_kind(text(kind)), kind);
}

TEST(Words, ThatAreUnknownAreNoValue) {
  for (const char* word : {"", "Queued", "sent ", "deferred"})
    EXPECT_FALSE(parse_state(word)) << word;
}

TEST(State, IsOpenOnlyWhileQueuedOrHeld) {
  EXPECT_TRUE(is_open(State::queued));
  EXPECT_TRUE(is_open(State::held));
  for (const State state : {State::sent, State::bounced, State::suppressed, State::expired,
                            State::cancelled, State::sandboxed})
    EXPECT_FALSE(is_open(state)) << text(state);
}

TEST(Bounded, CutsJapaneseOnlyBetweenCharacters) {
  const std::string reply = "550 宛先不明 𠮷";
  for (std::size_t limit = 0; limit <= reply.size() + 2; ++limit) {
    const std::string_view cut = bounded(reply, limit);
    EXPECT_LE(cut.size(), limit);
    EXPECT_GT(cut.size() + 4, std::min(limit, reply.size()));
    EXPECT_TRUE(text::is_utf8(cut)) << limit;
    EXPECT_TRUE(reply.starts_with(cut));
  }
}

TEST(Bounded, CutsWhatIsNotUtf8AtTheLimit) {
  const std::string bytes(100, '\x80');
  for (std::size_t limit = 4; limit < 100; ++limit) EXPECT_EQ(bounded(bytes, limit).size(), limit);
}

}  // namespace
}  // namespace ecrelay::records
