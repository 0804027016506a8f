#include "mail/address.h"

#include <string>
#include <string_view>
#include <variant>

#include "core/text.h"
#include "policy/return_path.h"
#include "smtp/envelope.h"
#include "target.h"

/// Addresses and the arguments of MAIL and RCPT: what is taken cannot break out of a command, has
/// one key, and every spelling of it has the same one; nobody's return path is ours by chance.
namespace ecrelay {
namespace {

using fuzz::require;

void check(const mail::Address& address) {
  for (const char c : address.text()) {
    require(!text::is_control(c), "no control character in an address");
  }
  require(address.text().size() <= 254, "within 254 octets");
  require(address.text().find('>') == std::string::npos || address.local().front() == '"',
          "no bracket outside quotes");
  const std::string key = address.key();
  for (const std::string& spelling : {address.quoted(), address.bare(), key}) {
    const auto again = mail::parse_address(spelling, mail::Utf8::allowed);
    if (!again) {
      // Quotes, escapes and A-labels take room: only a limit may be in the way.
      require(spelling.size() > 64, "a spelling of an address is an address");
      continue;
    }
    require(again->key() == key, "all spellings have one key");
  }
}

void check_arguments(std::string_view input) {
  smtp::Capabilities offered;
  offered.dsn = true;
  auto mail = smtp::parse_mail(input, offered);
  if (const auto* from = std::get_if<smtp::MailFrom>(&mail)) {
    if (from->sender) check(*from->sender);
    require(from->envid.size() <= 100, "ENVID within 100");
    for (const char c : from->envid) require(!text::is_control(c), "no control in ENVID");
    for (const char c : from->auth.value_or("")) require(!text::is_control(c), "nor in AUTH=");
  } else {
    require(std::get<smtp::Reply>(mail).permanent(), "a refusal of MAIL is a 5xx");
  }
  for (const bool smtputf8 : {false, true}) {
    auto rcpt = smtp::parse_rcpt(input, offered, smtputf8);
    if (const auto* to = std::get_if<smtp::RcptTo>(&rcpt)) {
      check(to->recipient);
      require(to->orcpt.size() <= 500, "ORCPT within 500");
      for (const char c : to->orcpt) require(!text::is_control(c), "no control in ORCPT");
      require(smtputf8 || to->recipient.is_ascii(), "UTF-8 only where it was asked for");
    }
  }
}

void check_return_path(std::string_view input) {
  static const policy::ReturnPaths paths({Secret(std::string(32, 'k'))}, std::chrono::hours(240));
  require(!paths.read(input, "bounce.shop.example", TimePoint(std::chrono::hours(480'000))),
          "a token that nobody signed is none");
}

}  // namespace
}  // namespace ecrelay

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ecrelay;
  const std::string_view input = fuzz::text_of(data, size);
  for (const auto utf8 : {mail::Utf8::refused, mail::Utf8::allowed}) {
    if (const auto address = mail::parse_address(input, utf8)) {
      check(*address);
      fuzz::require(utf8 == mail::Utf8::allowed || address->is_ascii(), "ASCII where asked for");
    }
  }
  const std::string domain = mail::domain_key(input);
  if (mail::check_domain(domain)) {
    fuzz::require(mail::domain_key(domain) == domain, "the key of a domain's key is itself");
  }
  check_arguments(input);
  check_return_path(input);
  return 0;
}
