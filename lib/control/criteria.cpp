#include "control/criteria.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/escape.h"
#include "core/text.h"

namespace ecrelay::control {

std::optional<TimePoint> time_in(Arguments& given, const std::string& name) {
  const auto text = given.text(name);
  if (!text) return std::nullopt;
  const auto at = parse_timestamp(*text);
  if (!at)
    given.wrong("'" + printable(*text, 64) + "' is no time like 2026-11-23 or 2026-11-23T15:04");
  return at;
}

std::string reason_in(Arguments& given) {
  constexpr std::size_t longest = 1000;
  std::string reason = given.required("reason");
  if (reason.size() > longest) given.wrong("reason is longer than 1000 bytes");
  return reason;
}

Result<mail::Address> typed_address(std::string_view text) {
  std::string_view address = text::trimmed(text);
  if (address.starts_with('<') && address.ends_with('>')) {
    address = address.substr(1, address.size() - 2);
  }
  auto parsed = mail::parse_address(address, mail::Utf8::allowed);
  if (!parsed) {
    return invalid("'" + printable(text, 320) + "' is no address: " + parsed.error().detail);
  }
  return parsed;
}

std::optional<mail::Address> address_in(Arguments& given) {
  const std::string text = given.required("address");
  if (text.empty()) return std::nullopt;
  auto address = typed_address(text);
  if (address) return std::move(*address);
  given.wrong(address.error().detail);
  return std::nullopt;
}

std::optional<std::string> domain_in(Arguments& given) {
  const auto text = given.text("domain");
  if (!text) return std::nullopt;
  std::string_view name = text::trimmed(*text);
  if (name.starts_with('@')) name.remove_prefix(1);
  std::string domain = mail::domain_key(name);
  if (mail::check_domain(domain)) return domain;
  given.wrong("'" + printable(*text, 320) + "' is no mail domain");
  return std::nullopt;
}

namespace {

std::optional<Ulid> message_id(const std::string& text, Arguments& given) {
  const auto id = Ulid::parse(text::trimmed(text));
  if (!id) given.wrong("'" + printable(text, 320) + "' is no message id (26 letters and digits)");
  return id;
}

}  // namespace

std::optional<Ulid> message_in(Arguments& given) {
  const auto text = given.text("message");
  return text ? message_id(*text, given) : std::nullopt;
}

std::vector<Ulid> messages_in(Arguments& given) {
  std::vector<Ulid> ids;
  for (const std::string& text : given.texts("messages")) {
    const auto id = message_id(text, given);
    if (id && std::find(ids.begin(), ids.end(), *id) == ids.end()) ids.push_back(*id);
  }
  return ids;
}

store::QueueFilter queue_filter_in(Arguments& given) {
  store::QueueFilter filter;
  filter.message = message_in(given);
  filter.shop = given.text("shop");
  filter.domain = domain_in(given);
  return filter;
}

std::optional<Error> unknown_shop(const std::string& shop, const config::Settings& settings) {
  std::vector<std::string> ids;
  for (const config::Shop& each : settings.shops) {
    if (each.id == shop) return std::nullopt;
    ids.push_back(each.id);
  }
  const auto meant = text::suggestion(shop, ids);
  return not_found("no shop '" + printable(shop, 64) + "'" +
                   (meant ? "; did you mean '" + *meant + "'?" : std::string()));
}

std::string in_words(const store::QueueFilter& filter) {
  std::string words;
  if (filter.message) words += " of message " + filter.message->text();
  if (filter.shop) words += " of shop '" + printable(*filter.shop, 64) + "'";
  if (filter.domain) words += " at " + *filter.domain;
  return words;
}

}  // namespace ecrelay::control
