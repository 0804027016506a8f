#include "smtp/envelope.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "core/text.h"

namespace ecrelay::smtp {
namespace {

constexpr std::size_t max_envid = 100;  // RFC 3461 4.4, as encoded
constexpr std::size_t max_orcpt = 500;  // RFC 3461 4.2, as encoded

Reply bad_arguments(const char* text) { return Reply(501, "5.5.4", text); }

/// "<" path ">" and what follows it.
struct PathAndRest {
  std::string_view path;
  std::string_view rest;
};

/// `text` begins after "FROM:" or "TO:". A ">" inside quotes does not end the path.
std::optional<PathAndRest> split_path(std::string_view text) {
  text = text::trimmed(text);
  if (!text.starts_with('<')) return {};
  bool quoted = false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && text[i] == '>') {
      PathAndRest split{text.substr(1, i - 1), text.substr(i + 1)};
      if (!split.rest.empty() && split.rest.front() != ' ') return {};
      return split;
    }
  }
  return {};
}

/// One ESMTP parameter that we know: when it may be used, and how its value is taken (false: the
/// value is wrong). `value` is nothing for a keyword without "=".
template <typename Target>
struct Parameter {
  std::string_view keyword;
  bool (*offered)(const Capabilities&);
  bool (*take)(Target&, std::optional<std::string_view> value);
};

bool always(const Capabilities&) { return true; }
bool with_dsn(const Capabilities& offered) { return offered.dsn; }
bool with_smtputf8(const Capabilities& offered) { return offered.smtputf8; }
bool with_auth(const Capabilities& offered) { return !offered.auth.empty(); }

bool take_size(MailFrom& mail, std::optional<std::string_view> value) {
  if (!value || value->empty() || value->size() > 20) return false;  // RFC 1870 3
  if (!std::all_of(value->begin(), value->end(), text::is_digit)) return false;
  mail.size = text::number(*value).value_or(UINT64_MAX);
  return true;
}

bool take_body(MailFrom& mail, std::optional<std::string_view> value) {
  const bool eight_bit = value && text::iequals(*value, "8BITMIME");
  mail.body = eight_bit ? BodyType::eight_bit_mime : BodyType::seven_bit;
  return eight_bit || (value && text::iequals(*value, "7BIT"));
}

bool take_smtputf8(MailFrom& mail, std::optional<std::string_view> value) {
  mail.smtputf8 = true;
  return !value;
}

bool take_ret(MailFrom& mail, std::optional<std::string_view> value) {
  const bool full = value && text::iequals(*value, "FULL");
  mail.ret = full ? Ret::full : Ret::headers;
  return full || (value && text::iequals(*value, "HDRS"));
}

bool take_envid(MailFrom& mail, std::optional<std::string_view> value) {
  if (!value || value->empty() || value->size() > max_envid) return false;
  const auto decoded = xtext_decoded(*value);
  mail.envid = decoded.value_or("");
  return decoded.has_value();
}

bool take_auth(MailFrom& mail, std::optional<std::string_view> value) {
  if (value && !value->empty()) mail.auth = xtext_decoded(*value);
  return mail.auth.has_value();
}

bool take_notify(RcptTo& rcpt, std::optional<std::string_view> value) {
  const auto notify = value ? parse_notify(*value) : std::nullopt;
  rcpt.notify = notify.value_or(Notify());
  return notify.has_value();
}

bool take_orcpt(RcptTo& rcpt, std::optional<std::string_view> value) {
  if (!value || value->size() > max_orcpt) return false;
  const std::size_t semicolon = value->find(';');
  if (semicolon == 0 || semicolon == value->npos) return false;
  const auto type_character = [](char c) { return text::is_alnum(c) || c == '-'; };
  const std::string_view type = value->substr(0, semicolon);
  if (!std::all_of(type.begin(), type.end(), type_character)) return false;
  const auto address = xtext_decoded(value->substr(semicolon + 1));
  if (!address || address->empty()) return false;
  rcpt.orcpt.assign(type).append(";").append(*address);
  return true;
}

constexpr auto mail_parameters = std::to_array<Parameter<MailFrom>>({
    {"SIZE", always, take_size},
    {"BODY", always, take_body},
    {"SMTPUTF8", with_smtputf8, take_smtputf8},
    {"RET", with_dsn, take_ret},
    {"ENVID", with_dsn, take_envid},
    {"AUTH", with_auth, take_auth},
});

constexpr auto rcpt_parameters = std::to_array<Parameter<RcptTo>>({
    {"NOTIFY", with_dsn, take_notify},
    {"ORCPT", with_dsn, take_orcpt},
});

/// Reads the parameters into `target`; nothing, or the refusal.
template <typename Target>
std::optional<Reply> take_parameters(Target& target, std::string_view text,
                                     std::span<const Parameter<Target>> known,
                                     const Capabilities& offered) {
  std::vector<bool> seen(known.size());
  for (const std::string_view word : text::split(text, ' ')) {
    if (word.empty()) continue;
    const std::size_t equals = word.find('=');
    const std::string_view keyword = word.substr(0, equals);
    std::optional<std::string_view> value;
    if (equals != word.npos) value = word.substr(equals + 1);
    const auto parameter = std::find_if(known.begin(), known.end(), [&](const auto& entry) {
      return text::iequals(entry.keyword, keyword);
    });
    if (parameter == known.end() || !parameter->offered(offered)) {
      return Reply(555, "5.5.4", "unknown parameter");
    }
    const auto index = static_cast<std::size_t>(parameter - known.begin());
    if (seen[index]) return bad_arguments("parameter given twice");
    seen[index] = true;
    if (!parameter->take(target, value)) return bad_arguments("bad parameter value");
  }
  return {};
}

/// The address in `path`, or the refusal with `enhanced` as its code.
std::variant<mail::Address, Reply> parse_path(std::string_view path, bool smtputf8,
                                              const char* enhanced) {
  if (!smtputf8 && !text::is_ascii(path)) {
    return Reply(553, "5.6.7", "UTF-8 in an address needs SMTPUTF8");
  }
  if (path.starts_with('@')) return Reply(501, enhanced, "source routes are not accepted");
  auto address = mail::parse_address(path, smtputf8 ? mail::Utf8::allowed : mail::Utf8::refused);
  if (!address) return Reply(501, enhanced, address.error().detail);
  return *std::move(address);
}

}  // namespace

std::variant<MailFrom, Reply> parse_mail(std::string_view arguments, const Capabilities& offered) {
  if (!text::istarts_with(arguments, "FROM:")) return bad_arguments("MAIL FROM:<address> expected");
  const auto split = split_path(arguments.substr(5));
  if (!split) return bad_arguments("MAIL FROM:<address> expected");
  MailFrom mail;
  // The parameters first: SMTPUTF8 among them says what the path may hold.
  auto refusal = take_parameters<MailFrom>(mail, split->rest, mail_parameters, offered);
  if (refusal) return *std::move(refusal);
  if (!split->path.empty()) {
    auto sender = parse_path(split->path, mail.smtputf8, "5.1.7");
    if (auto* reply = std::get_if<Reply>(&sender)) return std::move(*reply);
    mail.sender = std::get<mail::Address>(std::move(sender));
  }
  if (mail.size > offered.size) return Reply(552, "5.3.4", "message too big");
  return mail;
}

std::variant<RcptTo, Reply> parse_rcpt(std::string_view arguments, const Capabilities& offered,
                                       bool smtputf8) {
  if (!text::istarts_with(arguments, "TO:")) return bad_arguments("RCPT TO:<address> expected");
  const auto split = split_path(arguments.substr(3));
  if (!split) return bad_arguments("RCPT TO:<address> expected");
  auto recipient = parse_path(split->path, smtputf8, "5.1.3");
  if (auto* reply = std::get_if<Reply>(&recipient)) return std::move(*reply);
  RcptTo rcpt{
      .recipient = std::get<mail::Address>(std::move(recipient)), .notify = {}, .orcpt = {}};
  auto refusal = take_parameters<RcptTo>(rcpt, split->rest, rcpt_parameters, offered);
  if (refusal) return *std::move(refusal);
  return rcpt;
}

}  // namespace ecrelay::smtp
