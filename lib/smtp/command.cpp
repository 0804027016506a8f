#include "smtp/command.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/text.h"

namespace ecrelay::smtp {
namespace {

constexpr auto verbs = std::to_array<std::pair<std::string_view, Verb>>({
    {"HELO", Verb::helo},    {"EHLO", Verb::ehlo},    {"STARTTLS", Verb::starttls},
    {"AUTH", Verb::auth},    {"MAIL", Verb::mail},    {"RCPT", Verb::rcpt},
    {"DATA", Verb::data},    {"BDAT", Verb::bdat},    {"RSET", Verb::rset},
    {"NOOP", Verb::noop},    {"VRFY", Verb::vrfy},    {"EXPN", Verb::expn},
    {"HELP", Verb::help},    {"QUIT", Verb::quit},    {"GET", Verb::http},
    {"POST", Verb::http},    {"PUT", Verb::http},     {"HEAD", Verb::http},
    {"CONNECT", Verb::http}, {"OPTIONS", Verb::http}, {"DELETE", Verb::http},
    {"PATCH", Verb::http},   {"TRACE", Verb::http},   {"PRI", Verb::http},
    {"PROXY", Verb::http},
});

}  // namespace

Command parse_command(std::string_view line) {
  const std::size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  const auto known = std::find_if(verbs.begin(), verbs.end(), [&](const auto& entry) {
    return text::iequals(entry.first, word);
  });
  Command command;
  if (known != verbs.end()) command.verb = known->second;
  if (space != line.npos) command.arguments = text::trimmed(line.substr(space));
  return command;
}

bool takes_no_arguments(Verb verb) {
  return verb == Verb::data || verb == Verb::rset || verb == Verb::quit || verb == Verb::starttls;
}

Reply out_of_order(State state, Verb verb) {
  const bool starts_body = verb == Verb::data || verb == Verb::bdat;
  const char* text = "out of order";
  if (state == State::fresh) text = "EHLO first";
  if (state == State::ready && (starts_body || verb == Verb::rcpt)) text = "MAIL first";
  if (state == State::mail && starts_body) text = "no valid recipients";
  return Reply(503, "5.5.1", text);
}

bool is_client_name(std::string_view text) {
  const auto visible = [](char c) { return c > 0x20 && c < 0x7f; };
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), visible);
}

}  // namespace ecrelay::smtp
