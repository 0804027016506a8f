#include "mail/status_fields.h"

#include <algorithm>
#include <array>
#include <map>

#include "core/text.h"
#include "mail/parts.h"
#include "mail/reply_codes.h"

namespace ecrelay::mail {
namespace {

constexpr std::size_t most_results = 100;

using Group = std::map<std::string, std::string, std::less<>>;

constexpr std::array<std::string_view, 11> names = {"reporting-mta",
                                                    "received-from-mta",
                                                    "arrival-date",
                                                    "final-recipient",
                                                    "original-recipient",
                                                    "action",
                                                    "status",
                                                    "remote-mta",
                                                    "diagnostic-code",
                                                    "last-attempt-date",
                                                    "x-actual-recipient"};

bool is_known(std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string_view of(const Group& group, std::string_view name) {
  const auto found = group.find(name);
  return found == group.end() ? std::string_view() : std::string_view(found->second);
}

/// "smtp; 550 …" without its type; a text that has none stays whole.
std::string_view without_type(std::string_view value) {
  const auto semicolon = value.find(';');
  if (semicolon == std::string_view::npos) return value;
  const auto type = text::trimmed(value.substr(0, semicolon));
  const bool is_type = !type.empty() && std::all_of(type.begin(), type.end(), [](char c) {
    return text::is_alnum(c) || c == '-' || c == '/' || c == '.';
  });
  return is_type ? text::trimmed(value.substr(semicolon + 1)) : value;
}

std::string action_of(std::string_view value, std::string_view status) {
  const std::string word = text::lowered(value.substr(0, value.find_first_of(" (;,")));
  constexpr std::array<std::string_view, 5> words = {"failed", "delayed", "delivered", "relayed",
                                                     "expanded"};
  if (std::find(words.begin(), words.end(), word) != words.end()) return word;
  // SendGrid says "expired"; others "failure" or "error"; "deliverable" means delivered.
  if (word == "deliverable") return "delivered";
  if (word.empty() && status.starts_with('2')) return "delivered";
  return "failed";
}

/// The code with which a remote's reply begins: "550 5.1.1 …", "550-5.1.1 …".
std::string code_of_reply(std::string_view diagnostic) {
  const bool reply = diagnostic.size() > 9 && text::number(diagnostic.substr(0, 3)) &&
                     (diagnostic[3] == ' ' || diagnostic[3] == '-');
  if (!reply) return {};
  const std::string_view word = diagnostic.substr(4, diagnostic.find_first_of(" \n", 4) - 4);
  const auto codes = enhanced_codes(word);
  return codes.size() == 1 && codes.front() == word ? codes.front() : std::string();
}

/// What a gateway wrote into Status counts less than what the remote said, where that tells
/// something ("X.0.X" does not) and is about something else.
bool contradicts(std::string_view said, std::string_view status) {
  return said.size() >= 5 && status.size() >= 5 && said[2] != '0' && said[0] == status[0] &&
         (said[2] != status[2] || said.substr(4) != status.substr(4));
}

Reported result_of(const Group& group) {
  Reported result;
  result.original_recipient = address_in(without_type(of(group, "original-recipient")));
  result.recipient = address_in(without_type(of(group, "final-recipient")));
  if (result.recipient.empty()) {
    result.recipient = address_in(without_type(of(group, "x-actual-recipient")));
  }
  if (result.recipient.empty()) result.recipient = result.original_recipient;
  const auto codes = enhanced_codes(of(group, "status"));
  if (!codes.empty()) result.status = codes.front();
  const std::string said = code_of_reply(without_type(of(group, "diagnostic-code")));
  if (contradicts(said, result.status)) result.status = said;
  result.action = action_of(of(group, "action"), result.status);
  result.diagnostic = without_type(of(group, "diagnostic-code"));
  result.server = without_type(of(group, "remote-mta"));
  result.said_at = stage_named_in(result.diagnostic);
  take_codes(result, result.diagnostic);
  return result;
}

bool names_recipient(const Group& group) {
  return group.contains("final-recipient") || group.contains("original-recipient");
}

/// Collects the groups of a text.
class Groups {
 public:
  void field(LooseField field) {
    const bool again = group_.contains(field.name);
    const bool opens = field.name == "final-recipient" || field.name == "action";
    // Some write the next recipient without an empty line in front.
    if (again && opens) close();
    group_.try_emplace(std::move(field.name), std::move(field.value));
  }
  void close() {
    const bool tells =
        names_recipient(group_) || group_.contains("action") || group_.contains("diagnostic-code");
    if (tells && results_.size() < most_results) results_.push_back(result_of(group_));
    group_.clear();
  }
  std::vector<Reported> take() && {
    close();
    return std::move(results_);
  }

 private:
  Group group_;
  std::vector<Reported> results_;
};

}  // namespace

std::vector<Reported> read_delivery_status(std::string_view text) {
  Groups groups;
  while (!text.empty()) {
    auto end = text.find("\n\n");
    if (end == std::string_view::npos) end = text.size();
    // A forwarded report is quoted: its fields stand behind "> ".
    std::string block(text.substr(0, end));
    for (LooseField& field : loose_fields(block)) {
      if (is_known(field.name)) groups.field(std::move(field));
    }
    groups.close();
    text.remove_prefix(std::min(text.size(), end + 2));
  }
  std::vector<Reported> results = std::move(groups).take();
  // Where recipients are named, a group without one is of the message, not of a recipient.
  const auto nameless = [](const Reported& result) { return result.recipient.empty(); };
  if (!std::all_of(results.begin(), results.end(), nameless)) std::erase_if(results, nameless);
  return results;
}

bool has_delivery_status(std::string_view text) {
  return text::icontains(text, "final-recipient:") || text::icontains(text, "original-recipient:");
}

std::string address_in(std::string_view value) {
  const auto is_local = [](char c) {
    constexpr std::string_view others = "!#$%&'*+-/=?^_`{|}~.";
    return text::is_alnum(c) || static_cast<unsigned char>(c) >= 0x80 ||
           others.find(c) != std::string_view::npos;
  };
  const auto is_domain = [](char c) {
    return text::is_alnum(c) || c == '-' || c == '.' || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
  };
  // A name may be of another script, but no name begins in the middle of a word: Chinese and
  // Japanese put no blank before an address.
  const auto is_wide = [&](std::size_t i) { return static_cast<unsigned char>(value[i]) >= 0x80; };
  for (auto at = value.find('@'); at != std::string_view::npos; at = value.find('@', at + 1)) {
    std::size_t begin = at;
    if (at > 1 && value[at - 1] == '"') {
      begin = value.rfind('"', at - 2);
      if (begin == std::string_view::npos) continue;
    } else {
      while (begin > 0 && is_local(value[begin - 1]) &&
             (!is_wide(begin - 1) || begin == at || is_wide(begin) || value[begin] == '.'))
        --begin;
    }
    std::size_t end = at + 1;
    while (end < value.size() && is_domain(value[end]) &&
           (!is_wide(end) || end == at + 1 || is_wide(end - 1) || value[end - 1] == '.'))
      ++end;
    while (end > at + 1 && !text::is_alnum(value[end - 1]) &&
           static_cast<unsigned char>(value[end - 1]) < 0x80) {
      --end;
    }
    // 'a@b' in Exchange's words: an apostrophe at both ends is a quotation mark.
    if (begin < at && value[begin] == '\'' && end < value.size() && value[end] == '\'') ++begin;
    if (begin < at && end > at + 1 && end - begin <= 320)
      return std::string(value.substr(begin, end - begin));
  }
  return {};
}

SaidAt stage_named_in(std::string_view said) {
  struct Words {
    std::string_view words;
    SaidAt stage;
  };
  // The later stage first: "end of DATA command" and "after RCPT TO … DATA" name both.
  static constexpr auto table = std::to_array<Words>({
      {"end of data", SaidAt::data},
      {"data command", SaidAt::data},
      {"final data", SaidAt::data},
      {"message content", SaidAt::data},
      {"after i sent the message", SaidAt::data},
      {"reply to data", SaidAt::data},
      {"for text command", SaidAt::data},
      {"following data command", SaidAt::data},
      {"[body]", SaidAt::data},
      {"[data]", SaidAt::data},
      {"rcpt", SaidAt::rcpt},
      {"like recipient", SaidAt::rcpt},
      {"mail from", SaidAt::mail},
      {"mail_from", SaidAt::mail},
      {"like sender", SaidAt::mail},
      {"sender was rejected", SaidAt::mail},
      {"sender rejected by", SaidAt::mail},
      {"initial connection", SaidAt::connect},
      {"refused to talk to me", SaidAt::connect},
      {"my name was rejected", SaidAt::connect},
      {"but greeting failed", SaidAt::connect},
      {"[connect]", SaidAt::connect},
      {"[greeting]", SaidAt::connect},
      {"[helo]", SaidAt::connect},
      {"[ehlo]", SaidAt::connect},
      {"helo command", SaidAt::connect},
      {"ehlo command", SaidAt::connect},
      {"after ehlo", SaidAt::connect},
      {"after helo", SaidAt::connect},
  });
  const std::string folded = text::lowered(said.substr(0, 4096));
  for (const Words& row : table) {
    if (folded.find(row.words) != std::string::npos) return row.stage;
  }
  return SaidAt::unknown;
}

void take_codes(Reported& result, std::string_view said) {
  // A failure's transcript holds what went well before it, too, and a delay's what failed beside
  // it.
  const auto fits = [&](const std::string& code) {
    if (result.action == "delayed") return !code.starts_with('5');
    return !result.failed() || !code.starts_with('2');
  };
  for (const std::string& code : enhanced_codes(said)) {
    if (!is_vague(result.status)) break;
    if (fits(code) && (result.status.empty() || !is_vague(code))) result.status = code;
  }
  if (!result.reply.empty()) return;
  // "554 4.4.7 Message expired <421 4.4.2 Connection timed out>": what is quoted was the remote's.
  const auto quoted = said.find('<');
  auto codes = reply_codes(said);
  if (quoted != std::string_view::npos) {
    const auto inside = reply_codes(said.substr(quoted, 5));
    codes.insert(codes.begin(), inside.begin(), inside.end());
  }
  const auto first = std::find_if(codes.begin(), codes.end(), fits);
  if (first != codes.end()) result.reply = *first;
}

}  // namespace ecrelay::mail
