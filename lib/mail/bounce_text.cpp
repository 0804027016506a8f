#include "mail/bounce_text.h"

#include <algorithm>
#include <array>

#include "core/text.h"
#include "mail/status_fields.h"

namespace ecrelay::mail {
namespace {

constexpr std::size_t most_recipients = 100;

/// What announces the returned message, at the beginning of a line behind dashes and blanks.
constexpr auto announcements = std::to_array<std::string_view>({
    "below this line is a copy",
    "below is a copy",
    "this is a copy of",
    "here is a copy of",
    "enclosed is a copy",
    "included is a copy",
    "the following is a copy",
    "the header of the original",
    "header of the original message",
    "headers of the original",
    "original message",
    "original mail info",
    "the original message follows",
    "your original message",
    "message headers follow",
    "message header follow",
    "message text follows",
    "returned message",
    "returned mail follows",
    "undelivered message follows",
    "unsent message",
    "unsent message below",
    "text of your message",
    "start of returned message",
    "forwarded message",
    "message contents follow",
    "the text of the message follows",
    "a copy of your message",
    "a copy of the message",
    "----- message header",
    "original message headers",
    "contents of original message",
    "message headers:",
    "included is a copy",
    "mail sent below",
    "[<05>] here is listed the initial part",
    "unsent message follows",
    "message follows",
    "end of report",
    "----- original header",
    "元のメッセージ",
    "元メール",
    "送信されたメール",
    "以下は送信された",
    "en-têtes de message d'origine",
    "kopfzeilen der ursprünglichen",
    "ursprüngliche nachrichtenkopf",
    "encabezados de mensajes originales",
    "intestazioni originali",
});

std::string_view without_decoration(std::string_view line) {
  const auto begin = line.find_first_not_of("-=*_#|>+ \t");
  return begin == std::string_view::npos ? std::string_view() : line.substr(begin);
}

bool announces_original(std::string_view line) {
  // Prose that goes on in the same words is no heading: a heading is decorated or short.
  const std::string_view words = without_decoration(line);
  if (words.size() > 100) return false;
  return std::any_of(announcements.begin(), announcements.end(),
                     [&](std::string_view phrase) { return text::istarts_with(words, phrase); });
}

/// Where no announcement stands, the first field of a header that servers write. Return-Path also
/// stands among the fields of a report that a person has forwarded: there nothing is above it.
bool begins_header(std::string_view line, bool after_gap) {
  return text::istarts_with(line, "received:") || text::istarts_with(line, "dkim-signature:") ||
         text::istarts_with(line, "x-originating-ip:") || line.starts_with("From MAILER-DAEMON") ||
         (after_gap && text::istarts_with(line, "return-path:"));
}

constexpr auto offices = std::to_array<std::string_view>(
    {"postmaster@", "mailer-daemon@", "mailerdaemon@", "abuse@", "support@", "help@", "helpdesk@",
     "hostmaster@", "webmaster@", "noreply@", "no-reply@", "admin@", "mail-daemon@"});

bool is_office(std::string_view address) {
  return std::any_of(offices.begin(), offices.end(),
                     [&](std::string_view office) { return text::istarts_with(address, office); });
}

/// The address with which a line begins, and what stands behind it.
struct Leading {
  std::string address;
  std::string_view rest;
};

/// "Recipient: <a@b>", "To: a@b": labels that stand in front of a failed recipient.
std::string_view without_label(std::string_view line) {
  static constexpr auto labels = std::to_array<std::string_view>({"recipient:",
                                                                  "recipients:",
                                                                  "recipient address:",
                                                                  "failed recipient:",
                                                                  "delivery failed:",
                                                                  "final recipient:",
                                                                  "undeliverable to:",
                                                                  "undeliverable to ",
                                                                  "user:",
                                                                  "e-mail address:",
                                                                  "email address:",
                                                                  "address:",
                                                                  "invalid final delivery userid:",
                                                                  "unknown user:",
                                                                  "could not be delivered to:",
                                                                  "unable to deliver message to:",
                                                                  "unable to deliver to:",
                                                                  "no such user:",
                                                                  "original address:",
                                                                  "delivery to:",
                                                                  "failed address:",
                                                                  "failed to:",
                                                                  "envelope-to:",
                                                                  "宛先:",
                                                                  "宛先：",
                                                                  "受信者:",
                                                                  "受信者：",
                                                                  "送信先:",
                                                                  "送信先：",
                                                                  "收件人:",
                                                                  "收件人："});
  for (const std::string_view label : labels) {
    if (text::istarts_with(line, label)) return text::trimmed(line.substr(label.size()));
  }
  return line;
}

/// True where `rest` lets the address in front of it be what the line is about.
bool ends_address(std::string_view rest) {
  constexpr std::string_view closers = ":;,([.-<";
  const std::string_view words = text::trimmed(rest);
  return words.empty() || closers.find(words.front()) != std::string_view::npos ||
         (words.front() >= 'A' && words.front() <= 'Z') || text::is_digit(words.front()) ||
         text::istarts_with(words, "on ") || text::istarts_with(words, "failed");
}

Leading leading_address(std::string_view line) {
  std::string_view words = without_label(without_decoration(line));
  const bool bracket = words.starts_with('<');
  if (bracket) words.remove_prefix(1);
  // GMX quotes the whole address; a quoted local part ends before the @.
  const bool quoted = words.starts_with('"') && words.find('"', 1) > words.find('@');
  if (quoted) words.remove_prefix(1);
  if (text::istarts_with(words, "mailto:")) words.remove_prefix(7);
  const auto at = words.find('@');
  if (at == std::string_view::npos ||
      words.substr(0, at).find_first_of(" \t<(:") != std::string_view::npos) {
    if (!words.starts_with('"')) return {};
  }
  std::string address = address_in(words);
  if (address.empty() || !words.starts_with(address)) return {};
  std::string_view rest = words.substr(address.size());
  if (quoted && rest.starts_with('"')) rest.remove_prefix(1);
  if (bracket && rest.starts_with('>')) rest.remove_prefix(1);
  // "<webmaster@a.example>:" is whom we had mailed; without both marks it may be whom to ask.
  const bool marked = bracket && (rest.empty() || rest.starts_with(':'));
  if (!ends_address(rest) || (is_office(address) && !marked)) return {};
  return {std::move(address), rest};
}

bool is_one_of(std::string_view address, const std::vector<std::string>& named) {
  return std::any_of(named.begin(), named.end(),
                     [&](const std::string& each) { return text::iequals(each, address); });
}

/// A line of a session's transcript, its "<<<", ">>>", "In:" or "Out:" taken off.
struct Spoken {
  std::string_view words;
  bool by_remote = false;  ///< a reply
};

Spoken spoken(std::string_view line) {
  std::string_view words = text::trimmed(line);
  const bool reply = words.starts_with("<<<") || words.starts_with("Out:");
  if (words.starts_with("<<<") || words.starts_with("Out:")) words.remove_prefix(3);
  if (words.starts_with("In:")) words.remove_prefix(3);
  words.remove_prefix(std::min(words.find_first_not_of(":> \t"), words.size()));
  return {words, reply};
}

bool begins_with_reply(std::string_view words) {
  return words.size() > 4 && (words[0] == '4' || words[0] == '5') && text::is_digit(words[1]) &&
         text::is_digit(words[2]) && (words[3] == ' ' || words[3] == '-');
}

/// An address behind words that are about somebody else.
bool is_about_others(std::string_view line) {
  const std::string folded = text::lowered(line);
  static constexpr auto words = std::to_array<std::string_view>(
      {"mail from", "envelope-from", "from:", "sender", "contact", "reply-to", "message-id",
       "http://", "https://", "return-path", "cc:"});
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return folded.find(word) != std::string::npos; });
}

/// The places in a text where a recipient is told, and the text between them.
class Telling {
 public:
  explicit Telling(std::string_view text) : text_(text), lines_(text::split(text, '\n')) {}

  /// Lines that begin with an address; with `named`, of these only.
  std::vector<Told> by_lines(const std::vector<std::string>& named) {
    std::vector<Told> told;
    std::string* said = nullptr;
    // Postfix begins each recipient at the margin and indents how the line goes on, though it
    // should go on with another address.
    bool at_margin = false;
    for (const std::string_view line : lines_) {
      const bool indented = line.starts_with(' ') || line.starts_with('\t');
      if (text::trimmed(line).empty()) at_margin = false;
      Leading leading = at_margin && indented ? Leading() : leading_address(line);
      const bool counts =
          !leading.address.empty() && (named.empty() || is_one_of(leading.address, named));
      if (counts) {
        at_margin = !indented && !text::trimmed(leading.rest).empty();
        said = open(told, std::move(leading));
      } else if (said != nullptr) {
        *said += std::string(text::trimmed(line)) + '\n';
      }
    }
    share(told);
    return told;
  }

  /// Replies that name the recipient ("550 <a@b>... User unknown"); where there is none, the
  /// commands that do ("RCPT TO:<a@b>").
  std::vector<Told> by_transcript() const {
    std::vector<Told> replies;
    std::vector<Told> commands;
    std::string since;
    bool rcpt = false;
    for (const std::string_view line : lines_) {
      since += std::string(line) + '\n';
      const Spoken said = spoken(line);
      const auto command = text::lowered(said.words).find("rcpt");
      if (command != std::string::npos) {
        rcpt = true;
        add(commands, address_in(said.words.substr(command)), std::string(text_));
      } else if (text::istarts_with(said.words, "mail")) {
        rcpt = false;
      }
      // What the remote answers to MAIL names the sender.
      if (!begins_with_reply(said.words) || (said.by_remote && !rcpt)) continue;
      if (add(replies, address_in(said.words), since)) since.clear();
    }
    return replies.empty() ? commands : replies;
  }

  std::vector<Told> by_elimination(const Bystanders& bystanders) const {
    for (const std::string_view line : lines_) {
      if (is_about_others(line)) continue;
      std::string address = address_in(line);
      if (address.empty() || is_office(address)) continue;
      if (text::iequals(address, bystanders.reporter) || text::iequals(address, bystanders.sender))
        continue;
      return {Told{std::move(address), paragraph(line)}};
    }
    return {};
  }

 private:
  static bool add(std::vector<Told>& told, std::string address, std::string said) {
    if (address.empty() || is_office(address) || told.size() >= most_recipients) return false;
    const bool known = std::any_of(told.begin(), told.end(), [&](const Told& each) {
      return text::iequals(each.recipient, address);
    });
    if (!known) told.push_back({std::move(address), std::move(said)});
    return !known;
  }

  /// The lines around one of text_, up to the empty lines.
  std::string paragraph(std::string_view line) const {
    const auto at = static_cast<std::size_t>(line.data() - text_.data());
    const auto before = text_.substr(0, at).rfind("\n\n");
    const auto begin = before == std::string_view::npos ? 0 : before + 2;
    return std::string(text_.substr(begin, text_.find("\n\n", at) - begin));
  }

  /// Where the text of an address goes: a second telling (another language) goes nowhere new.
  std::string* open(std::vector<Told>& told, Leading leading) {
    const auto known = std::find_if(told.begin(), told.end(), [&](const Told& each) {
      return text::iequals(each.recipient, leading.address);
    });
    // The colon behind an address is no part of what is said: au's ": User unknown" is.
    std::string_view words = text::trimmed(leading.rest);
    if (words.starts_with(':')) words = text::trimmed(words.substr(1));
    std::string rest = std::string(words) + '\n';
    if (known != told.end()) {
      known->said += rest;
      return &known->said;
    }
    if (told.size() >= most_recipients) return nullptr;
    told.push_back({std::move(leading.address), std::move(rest)});
    return &told.back().said;
  }

  /// Addresses in a list share the reason that stands behind the last; a reason in front of the
  /// first one is everybody's.
  void share(std::vector<Told>& told) const {
    const auto says_nothing = [](const std::string& said) {
      return std::none_of(said.begin(), said.end(),
                          [](char c) { return text::is_alnum(c) || (c & '\x80') != 0; });
    };
    for (std::size_t i = told.size(); i-- > 0;) {
      if (!says_nothing(told[i].said)) continue;
      told[i].said = i + 1 < told.size() ? told[i + 1].said : std::string(text_);
    }
  }

  std::string_view text_;
  std::vector<std::string_view> lines_;
};

}  // namespace

std::string_view without_returned_message(std::string_view text) {
  std::size_t at = 0;
  bool said_something = false;
  bool after_gap = false;
  while (at < text.size()) {
    const auto end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const bool empty = text::trimmed(line).empty();
    if (said_something && (announces_original(line) || begins_header(line, after_gap)))
      return text.substr(0, at);
    said_something |= text::trimmed(line).size() > 3;
    after_gap = empty;
    at = end + 1;
  }
  return text;
}

std::vector<Told> recipients_told(std::string_view text, const std::vector<std::string>& named,
                                  const Bystanders& bystanders, bool any_address) {
  Telling telling(text);
  std::vector<Told> told = telling.by_lines(named);
  for (const std::string& name : named) {
    const bool known = std::any_of(told.begin(), told.end(), [&](const Told& each) {
      return text::iequals(each.recipient, name);
    });
    if (!known) told.push_back({name, std::string(text)});
  }
  if (told.empty()) told = telling.by_transcript();
  if (told.empty() && any_address) told = telling.by_elimination(bystanders);
  return told;
}

}  // namespace ecrelay::mail
