#include "rehearsal/script.h"

#include <array>
#include <utility>

#include "core/text.h"

namespace ecrelay::rehearsal {
namespace {

using smtp::Stage;

constexpr auto stages = std::to_array<Stage>({Stage::greeting, Stage::hello, Stage::auth,
                                              Stage::mail, Stage::rcpt, Stage::data, Stage::dot});

std::optional<Stage> parse_stage(std::string_view word) {
  for (const Stage stage : stages) {
    if (text::iequals(smtp::to_text(stage), word)) return stage;
  }
  return std::nullopt;
}

Act reply_act(int code, std::string enhanced, std::string text) {
  Act act;
  act.reply = smtp::Reply(code, std::move(enhanced), std::move(text));
  return act;
}

Act slow_act(std::chrono::seconds delay) {
  Act act;
  act.delay = delay;
  return act;
}

std::optional<int> parse_code(std::string_view word) {
  const auto code = text::number(word);
  if (!code || word.size() != 3 || *code < 200 || *code > 599) return std::nullopt;
  return static_cast<int>(*code);
}

bool is_enhanced(std::string_view word) {
  return word.size() >= 5 && text::is_digit(word[0]) && word[1] == '.' &&
         word.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::string_view take_word(std::string_view& rest, char separator) {
  const auto end = rest.find(separator);
  const std::string_view word = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return word;
}

std::optional<Act> parse_act(std::string_view words) {
  std::string_view rest = words;
  const std::string_view first = take_word(rest, ' ');
  if (text::iequals(first, "drop") && rest.empty()) {
    Act act;
    act.kind = Act::Kind::drop;
    return act;
  }
  if (text::iequals(first, "slow")) {
    const auto seconds = text::number(rest);
    if (!seconds || *seconds > 86'400) return std::nullopt;
    return slow_act(std::chrono::seconds(*seconds));
  }
  const auto code = parse_code(first);
  if (!code) return std::nullopt;
  std::string_view after_code = rest;
  const std::string_view second = take_word(after_code, ' ');
  if (is_enhanced(second)) return reply_act(*code, std::string(second), std::string(after_code));
  return reply_act(*code, "", std::string(rest));
}

struct Part {
  std::string_view word;
  int code;
  std::string_view enhanced;
  std::string_view text;
};
constexpr auto parts = std::to_array<Part>({
    {"permfail", 550, "5.1.1", "User unknown"},
    {"tempfail", 451, "4.3.0", "Temporary trouble"},
    {"full", 552, "5.2.2", "Mailbox full"},
    {"blocked", 550, "5.7.1", "Message rejected due to local policy"},
    {"busy", 421, "4.3.2", "Too busy"},
});

}  // namespace

Result<void> Script::add(std::string_view rule) {
  const auto equals = rule.find('=');
  const std::string_view where = rule.substr(0, equals);
  const auto colon = where.find(':');
  const auto stage = parse_stage(where.substr(0, colon));
  const auto act = equals == std::string_view::npos
                       ? std::nullopt
                       : parse_act(text::trimmed(rule.substr(equals + 1)));
  if (!stage || !act) {
    return invalid(
        "script rule '" + std::string(rule) +
        "': write STAGE[:LOCALPART]=CODE [X.Y.Z] TEXT, STAGE…=drop or STAGE…=slow SECONDS, "
        "with a stage of greeting hello auth mail rcpt data dot");
  }
  std::string local_part =
      colon == std::string_view::npos ? "" : text::lowered(where.substr(colon + 1));
  rules_.push_back(Rule{*stage, std::move(local_part), *act});
  return Result<void>();
}

std::optional<Act> Script::at(Stage stage) const {
  for (const Rule& rule : rules_) {
    if (rule.stage == stage && rule.local_part.empty()) return rule.act;
  }
  return std::nullopt;
}

std::optional<Act> Script::at(Stage stage, std::string_view local_part) {
  const std::string part = text::lowered(local_part.substr(0, local_part.find('+')));
  for (const Rule& rule : rules_) {
    if (rule.stage == stage && rule.local_part == part) return rule.act;
  }
  return part_played(stage, part);
}

std::optional<Act> Script::part_played(Stage stage, const std::string& part) {
  std::string_view rest = part;
  const std::string_view word = take_word(rest, '-');
  if (word == "reply") {
    const auto code = parse_code(take_word(rest, '-'));
    if (!code) return std::nullopt;
    std::string enhanced;
    std::string_view next = take_word(rest, '-');
    if (is_enhanced(next)) enhanced = std::exchange(next, take_word(rest, '-'));
    if (parse_stage(next).value_or(Stage::rcpt) != stage) return std::nullopt;
    return reply_act(*code, enhanced, "as the script has it");
  }
  if (word == "slow") {
    const auto seconds = text::number(take_word(rest, '-'));
    if (parse_stage(rest).value_or(Stage::rcpt) != stage) return std::nullopt;
    return slow_act(std::chrono::seconds(seconds.value_or(2)));
  }
  if (parse_stage(rest).value_or(Stage::rcpt) != stage) return std::nullopt;
  if (word == "drop") {
    Act act;
    act.kind = Act::Kind::drop;
    return act;
  }
  if (word == "greylist") {
    if (!greylisted_.insert(part).second) return std::nullopt;
    return reply_act(450, "4.7.1", "Greylisted, please try again in 60 seconds");
  }
  for (const Part& known : parts) {
    if (word == known.word)
      return reply_act(known.code, std::string(known.enhanced), std::string(known.text));
  }
  return std::nullopt;
}

}  // namespace ecrelay::rehearsal
