#include "mail/report.h"

#include <algorithm>
#include <array>

#include "core/text.h"
#include "mail/bounce_signs.h"
#include "mail/bounce_text.h"
#include "mail/complaint.h"
#include "mail/encoded_word.h"
#include "mail/parts.h"
#include "mail/reply_codes.h"
#include "mail/status_fields.h"

namespace ecrelay::mail {
namespace {

constexpr std::size_t most_words = 64U << 10;

/// A mail taken apart, and what of it a reader of reports wants.
struct Letter {
  MailParts mail;
  std::string subject;
  std::string words;     ///< the human part, without the returned message
  std::string status;    ///< text of the delivery-status parts
  std::string feedback;  ///< text of the feedback-report part
  std::string original;  ///< header of the returned message
  bool quotes = false;   ///< some of the words stand behind "> "

  std::string_view header(std::string_view name) const { return value_of(mail.header, name); }
};

/// Lines of a report that was forwarded stand behind "> ".
std::string without_quotes(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::string_view line : text::split(text, '\n')) {
    // ">>>" is a transcript's, not a quotation.
    while (line.starts_with("> ") || line == ">")
      line.remove_prefix(std::min<std::size_t>(2, line.size()));
    result += std::string(line) + '\n';
  }
  return result;
}

void add_words(Letter& letter, const std::string& text) {
  const std::string plain = without_quotes(text);
  letter.quotes |= text.find("\n> ") != std::string::npos;
  const std::string_view said = without_returned_message(plain);
  if (letter.original.empty()) letter.original = plain.substr(said.size());
  if (letter.words.size() < most_words)
    letter.words += std::string(said.substr(0, most_words - letter.words.size())) + '\n';
}

/// A text under a label that nobody knows is a text all the same.
void add_unlabelled(Letter& letter) {
  for (const Part& part : letter.mail.parts) {
    const auto kind = std::string_view(part.type).substr(0, part.type.find('/'));
    const bool is_data = kind == "image" || kind == "audio" || kind == "video" ||
                         kind == "application" || kind == "message";
    if (!is_data && part.type != "text/html" && part.type != "text/plain")
      add_words(letter, part.body);
  }
}

Letter open(std::string_view bytes) {
  Letter letter;
  letter.mail = take_apart(bytes);
  letter.subject = decode_encoded_words(letter.header("subject"));
  std::string html;
  for (const Part& part : letter.mail.parts) {
    if (part.type == "message/delivery-status" || part.type == "message/global-delivery-status") {
      letter.status += part.body + "\n\n";
    } else if (part.type == "message/feedback-report") {
      letter.feedback += part.body + '\n';
    } else if (part.is_original()) {
      if (letter.original.empty()) letter.original = part.body;
    } else if (part.type == "text/plain") {
      add_words(letter, part.body);
    } else if (part.type == "text/html") {
      html += part.body;
    }
  }
  if (text::trimmed(letter.words).empty() && !html.empty()) add_words(letter, text_of_html(html));
  if (text::trimmed(letter.words).empty() && letter.status.empty()) add_unlabelled(letter);
  return letter;
}

bool says_any(std::string_view text, const auto& phrases) {
  const std::string folded = text::lowered(text);
  return std::any_of(phrases.begin(), phrases.end(), [&](std::string_view phrase) {
    return folded.find(phrase) != std::string::npos;
  });
}

/// A person who answers quotes anything; a server does not refer to what it answers so.
bool is_conversation(const Letter& letter) {
  return !letter.header("in-reply-to").empty() && letter.header("return-path") != "<>";
}

bool begins_with_any(std::string_view subject, const auto& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return text::istarts_with(subject, prefix); });
}

/// Who answers says so in the subject, or asks, and gives nothing back; who sends to many lets them
/// leave; a person who quotes a report writes with a mail program. No server's report does any of
/// it.
bool is_for_people(const Letter& letter) {
  static constexpr auto answers = std::to_array<std::string_view>({"re:", "aw:", "sv:"});
  return !letter.header("list-unsubscribe").empty() ||
         (letter.quotes && !letter.header("user-agent").empty()) ||
         (letter.subject.ends_with('?') && letter.original.empty()) ||
         begins_with_any(letter.subject, answers);
}

/// Postfix tells its postmaster of sessions that went wrong, with their transcripts.
bool is_for_postmaster(const Letter& letter) {
  return text::icontains(letter.subject, "smtp server: errors from") ||
         text::icontains(letter.words, "for other details, see the local mail logfile");
}

bool is_automatic(const Letter& letter);

/// A server names itself in From, or names whom it could not reach.
bool is_by_server(const Letter& letter) {
  const auto from = letter.header("from");
  return !letter.header("x-failed-recipients").empty() || from == "<>" ||
         names_bounce_writer(decode_encoded_words(from));
}

/// Who writes bounces: by the sender, by the subject, or by the sentences of servers.
bool is_bounce(const Letter& letter) {
  if (is_by_server(letter)) return true;
  if (is_for_people(letter)) return false;
  return is_bounce_subject(letter.subject) ||
         (!is_conversation(letter) && !is_automatic(letter) && frames_bounce(letter.words));
}

std::vector<std::string> named_in_header(const Letter& letter) {
  std::vector<std::string> named;
  for (const std::string_view each : text::split(letter.header("x-failed-recipients"), ',')) {
    if (std::string address = address_in(each); !address.empty()) named.push_back(address);
  }
  return named;
}

std::string original_recipient(const Letter& letter) {
  const auto fields =
      loose_fields(std::string_view(letter.original).substr(0, letter.original.find("\n\n")));
  for (const std::string_view name : {"x-envelope-to", "x-rcpt-to", "to"}) {
    if (std::string address = address_in(value_of(fields, name)); !address.empty()) return address;
  }
  return {};
}

std::vector<Told> told_in(const Letter& letter) {
  const Bystanders bystanders{address_in(letter.header("from")), address_in(letter.header("to"))};
  // Where the subject is all that tells, it could be a parcel service's.
  const bool sure = is_by_server(letter) || !letter.original.empty() ||
                    frames_bounce(letter.words) || !reply_codes(letter.words).empty();
  return recipients_told(letter.words, named_in_header(letter), bystanders, sure);
}

/// The answer to DATA after every RCPT was refused: the commands were pipelined, and the refusal
/// that the transcript shows behind DATA was RCPT's.
bool misses_recipients(std::string_view line) {
  return line.starts_with("<<< 503") || text::icontains(line, "no valid recipients") ||
         text::icontains(line, "need rcpt");
}

SaidAt stage_in_transcript(std::string_view words) {
  SaidAt command = SaidAt::unknown;
  SaidAt refused = SaidAt::unknown;
  for (const std::string_view each : text::split(words, '\n')) {
    const std::string_view line = text::trimmed(each);
    if (line.starts_with(">>>")) {
      const auto verb = line.substr(std::min(line.find_first_not_of("> "), line.size()));
      command = text::istarts_with(verb, "mail")   ? SaidAt::mail
                : text::istarts_with(verb, "rcpt") ? SaidAt::rcpt
                : text::istarts_with(verb, "data") ? SaidAt::data
                : text::istarts_with(verb, "quit") ? SaidAt::unknown
                                                   : SaidAt::connect;
    } else if (line.starts_with("<<<") && refused == SaidAt::data && misses_recipients(line)) {
      return SaidAt::rcpt;
    } else if ((line.starts_with("<<< 5") || line.starts_with("<<< 4")) &&
               refused == SaidAt::unknown) {
      refused = command;
    }
  }
  return refused;
}

/// sendmail's "(expanded from: <a@b>)", Exim's "(generated from a@b)": whom we had mailed before an
/// alias was followed.
std::string expanded_from(std::string_view said) {
  for (const std::string_view words : {"expanded from", "generated from"}) {
    const auto at = said.find(words);
    if (at == std::string_view::npos) continue;
    const auto rest = said.substr(at + words.size());
    return address_in(rest.substr(0, rest.find(')')));
  }
  return {};
}

/// What the words tell beyond the fields.
void complete(Reported& result, const std::vector<Told>& told, const Letter& letter, bool alone) {
  const auto own = std::find_if(told.begin(), told.end(), [&](const Told& each) {
    return text::iequals(each.recipient, result.recipient) ||
           text::iequals(each.recipient, result.original_recipient);
  });
  if (own != told.end()) {
    const bool fields_tell = !result.diagnostic.empty();
    if (!fields_tell) result.diagnostic = own->said;
    if (!fields_tell || result.status.empty() || result.reply.empty())
      take_codes(result, own->said);
  } else if (alone) {
    take_codes(result, letter.words);
  }
  if (result.said_at == SaidAt::unknown && own != told.end()) {
    result.said_at = stage_in_transcript(own->said);
    // That DATA had no recipients left may be told at the transcript's end only.
    if (result.said_at == SaidAt::data && stage_in_transcript(letter.words) == SaidAt::rcpt)
      result.said_at = SaidAt::rcpt;
  }
  // A transcript of several recipients tells of each where it names it.
  if (result.said_at == SaidAt::unknown && (alone || own == told.end()))
    result.said_at = stage_in_transcript(letter.words);
  if (result.said_at == SaidAt::unknown) result.said_at = stage_named_in(result.diagnostic);
  // Postfix tells the stage in its words only.
  if (result.said_at == SaidAt::unknown && own != told.end())
    result.said_at = stage_named_in(own->said);
}

Report read_dsn(const Letter& letter) {
  Report report;
  report.kind = ReportKind::dsn;
  report.results = read_delivery_status(letter.status);
  const std::vector<Told> told = told_in(letter);
  for (Reported& result : report.results) {
    if (result.recipient.empty() && told.size() == 1) result.recipient = told.front().recipient;
    if (result.recipient.empty()) result.recipient = original_recipient(letter);
    complete(result, told, letter, report.results.size() == 1);
  }
  return report;
}

/// sendmail's words behind an address that it tells no failure of.
std::string action_told(std::string_view said) {
  const std::string_view words = text::trimmed(said);
  if (words.starts_with("(relayed to")) return "relayed";
  if (words.starts_with("(successfully delivered")) return "delivered";
  if (words.starts_with("(expanded by")) return "expanded";
  return "failed";
}

/// Where the words name nobody: the mail given back; the subject, when there are no words; or, of a
/// server, somebody whom only the return path knows.
std::vector<Told> told_beside(const Letter& letter) {
  if (std::string address = original_recipient(letter); !address.empty())
    return {Told{std::move(address), letter.words}};
  if (text::trimmed(letter.words).empty()) {
    std::string address = address_in(letter.subject);
    if (!address.empty()) return {Told{std::move(address), letter.subject}};
  }
  if (is_by_server(letter) && frames_bounce(letter.words)) return {Told{{}, letter.words}};
  return {};
}

Report read_words(const Letter& letter) {
  Report report;
  report.kind = ReportKind::nonstandard;
  std::vector<Told> told = told_in(letter);
  if (told.empty()) told = told_beside(letter);
  const bool delayed = tells_of_delay(letter.subject) || tells_of_delay(letter.words);
  for (Told& each : told) {
    Reported result;
    result.recipient = each.recipient;
    result.original_recipient = expanded_from(each.said);
    result.action = delayed ? "delayed" : action_told(each.said);
    result.diagnostic = each.said;
    take_codes(result, each.said);
    complete(result, told, letter, told.size() == 1);
    if (told.size() == 1) take_codes(result, letter.words);
    report.results.push_back(std::move(result));
  }
  if (report.results.empty()) report.kind = ReportKind::none;
  return report;
}

bool is_automatic(const Letter& letter) {
  const auto submitted = text::lowered(letter.header("auto-submitted"));
  static constexpr auto subjects = std::to_array<std::string_view>({"auto:",
                                                                    "autoreply",
                                                                    "auto-reply",
                                                                    "automatic reply",
                                                                    "automatic response",
                                                                    "auto reply",
                                                                    "auto response",
                                                                    "out of office",
                                                                    "out of the office",
                                                                    "on vacation",
                                                                    "vacation:",
                                                                    "away from my mail",
                                                                    "自動返信",
                                                                    "自動応答",
                                                                    "不在",
                                                                    "abwesenheit",
                                                                    "automatische antwort",
                                                                    "réponse automatique",
                                                                    "absence",
                                                                    "respuesta automática",
                                                                    "risposta automatica",
                                                                    "fuori sede",
                                                                    "resposta automática",
                                                                    "автоответ",
                                                                    "自动回复",
                                                                    "自動回覆"});
  return submitted.starts_with("auto-") || !letter.header("x-autoreply").empty() ||
         !letter.header("x-auto-response").empty() || !letter.header("x-autorespond").empty() ||
         text::iequals(letter.header("precedence"), "auto_reply") ||
         says_any(letter.subject, subjects);
}

Report read_auto_reply(const Letter& letter) {
  Report report;
  report.kind = ReportKind::autoreply;
  Reported result;
  result.recipient = address_in(letter.header("from"));
  report.results.push_back(std::move(result));
  return report;
}

/// Mail programs answer List-Unsubscribe for their user.
bool asks_to_unsubscribe(const Letter& letter) {
  return !letter.header("x-apple-unsubscribe").empty() ||
         (is_automatic(letter) && text::iequals(text::trimmed(letter.subject), "unsubscribe"));
}

/// Feedback loops that do not write RFC 5965: fields in the text, or the message alone.
bool is_complaint(const Letter& letter) {
  if (letter.original.empty()) return false;
  return text::icontains(letter.words, "\nfeedback-type:") ||
         text::istarts_with(letter.subject, "complaint about message");
}

Report read_unsubscribe(const Letter& letter) {
  Report report = read_auto_reply(letter);
  report.kind = ReportKind::arf;
  report.feedback_type = "opt-out";
  return report;
}

Report read(const Letter& letter, bool inside);

/// A gateway that bounces in its own words may give back, instead of our message, the report that
/// it was told. What a person wrote, ours above all, is never read as one.
Report read_inner(const Letter& letter) {
  const Letter inner = open(letter.original);
  return is_bounce(inner) ? read(inner, true) : Report();
}

Report read(const Letter& letter, bool inside) {
  if (!letter.feedback.empty()) return read_complaint(letter.feedback, letter.original);
  if (!letter.status.empty()) {
    Report dsn = read_dsn(letter);
    if (!dsn.results.empty()) return dsn;
  }
  if (is_complaint(letter)) return read_complaint(letter.words, letter.original);
  if (Report notice = read_notification(letter.words); notice.kind != ReportKind::none)
    return notice;
  if (is_bounce(letter)) {
    if (told_in(letter).empty() && !inside) {
      if (Report inner = read_inner(letter); !inner.results.empty()) return inner;
    }
    return read_words(letter);
  }
  if (asks_to_unsubscribe(letter)) return read_unsubscribe(letter);
  if (is_automatic(letter)) return read_auto_reply(letter);
  return {};
}

}  // namespace

std::string_view to_text(ReportKind kind) {
  switch (kind) {
    case ReportKind::none:
      break;
    case ReportKind::dsn:
      return "dsn";
    case ReportKind::nonstandard:
      return "nonstandard";
    case ReportKind::arf:
      return "arf";
    case ReportKind::autoreply:
      return "autoreply";
  }
  return "none";
}

Report read_report(std::string_view bytes) {
  Letter letter = open(bytes);
  if (letter.status.empty() && is_bounce(letter) && has_delivery_status(letter.words))
    letter.status = letter.words;
  Report report = read(letter, false);
  static constexpr auto forwards =
      std::to_array<std::string_view>({"fwd:", "fw:", "wg:", "tr:", "rv:"});
  report.of_others =
      is_for_postmaster(letter) || (!is_by_server(letter) && report.kind != ReportKind::arf &&
                                    begins_with_any(letter.subject, forwards));
  report.words = std::move(letter.words);
  return report;
}

}  // namespace ecrelay::mail
