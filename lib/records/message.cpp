#include "records/message.h"

#include "records/names.h"

namespace ecrelay::records {
namespace {

constexpr Names<State, 8> state_names{{{State::queued, "queued"},
                                       {State::held, "held"},
                                       {State::sent, "sent"},
                                       {State::bounced, "bounced"},
                                       {State::suppressed, "suppressed"},
                                       {State::expired, "expired"},
                                       {State::cancelled, "cancelled"},
                                       {State::sandboxed, "sandboxed"}}};
constexpr Names<Lane, 2> lane_names{{{Lane::transactional, "transactional"}, {Lane::bulk, "bulk"}}};
constexpr Names<Kind, 3> kind_names{
    {{Kind::mail, "mail"}, {Kind::report, "report"}, {Kind::test, "test"}}};

constexpr bool continues_a_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

}  // namespace

std::string_view text(State state) { return name_of(state_names, state); }
std::optional<State> parse_state(std::string_view text) { return value_of(state_names, text); }

std::string_view text(Lane lane) { return name_of(lane_names, lane); }
std::optional<Lane> parse_lane(std::string_view text) { return value_of(lane_names, text); }

std::string_view text(Kind kind) { return name_of(kind_names, kind); }
std::optional<Kind> parse_kind(std::string_view text) { return value_of(kind_names, text); }

std::string_view bounded(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  // A character has at most three continuation bytes; more of them are not UTF-8 anyway.
  for (int back = 0; back < 3 && end > 0 && continues_a_character(text[end]); ++back) --end;
  return text.substr(0, continues_a_character(text[end]) ? limit : end);
}

}  // namespace ecrelay::records
