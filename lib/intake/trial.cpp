#include "intake/trial.h"

#include <utility>

#include "core/escape.h"
#include "core/text.h"
#include "intake/acceptor.h"
#include "mail/address.h"

namespace ecrelay::intake {
namespace {

/// RFC 2047, because the header of a mail is ASCII.
constexpr std::string_view subject =
    "=?UTF-8?B?44OG44K544OI6YCB5L+h?= (ecrelay test)";  // テスト送信
constexpr std::string_view text =
    "これはメールリレー ecrelay のテスト送信です。返信は不要です。\r\n"
    "This is a test mail of the relay ecrelay, sent by its operator. Nobody expects an answer.\r\n";

std::string message(const std::string& from, const std::string& to) {
  return "From: <" + from + ">\r\nTo: <" + to + ">\r\nSubject: " + std::string(subject) +
         "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
         "Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" +
         std::string(text);
}

/// The operator's place among the hosts: for this one shop, at the control socket.
policy::Host host_for(const policy::Shop& shop) {
  policy::Host host;
  host.name = "ecrelayctl";
  host.shops = {shop.id};
  return host;
}

const config::Shop* settings_of(const config::Settings& settings, const std::string& shop) {
  for (const config::Shop& each : settings.shops)
    if (each.id == shop) return &each;
  return nullptr;
}

Result<mail::Address> address_of(const std::string& text, const char* what) {
  auto address = mail::parse_address(text, mail::Utf8::allowed);
  if (!address) return invalid(std::string(what) + ": " + address.error().detail);
  return address;
}

/// CONTRACT: "250 2.0.0 id=ULID …" when it was stored.
Result<Ulid> id_in(const smtp::Reply& reply) {
  const auto at = reply.text.find("id=");
  const auto id =
      at == std::string::npos ? std::nullopt : Ulid::parse(reply.text.substr(at + 3, 26));
  if (!reply.positive() || !id)
    return refused(std::to_string(reply.code) + " " + reply.enhanced + " " + reply.text);
  return *id;
}

}  // namespace

asio::awaitable<Result<Ulid>> send_trial(Reception& reception, std::shared_ptr<const Site> site,
                                         Trial trial) {
  const policy::Shop* shop = site->admission.find_shop(trial.shop);
  const config::Shop* known = settings_of(site->settings, trial.shop);
  if (shop == nullptr || known == nullptr)
    co_return not_found("there is no shop '" + printable(trial.shop, 64) + "'");
  if (trial.sender.empty()) trial.sender = "postmaster@" + known->domains.front().name;
  const auto sender = address_of(trial.sender, "sender");
  if (!sender) co_return sender.error();
  const auto recipient = address_of(trial.recipient, "recipient");
  if (!recipient) co_return recipient.error();
  if (reception.refusing()) co_return unavailable("the relay takes no mail now: see status");

  const policy::Host host = host_for(*shop);
  Client client;
  client.session = reception.next_session_name();
  client.address = *IpAddress::parse("127.0.0.1");
  client.host = &host;
  client.helo = site->settings.hostname;
  client.extended = true;
  const policy::Decision decision = site->admission.admit_sender(host, nullptr, sender->domain());
  if (!decision.admitted()) co_return invalid(decision.reason);

  Envelope envelope;
  envelope.sender = *sender;
  envelope.shop = shop;
  envelope.eight_bit = true;
  envelope.smtputf8 = !text::is_ascii(trial.sender + trial.recipient);
  envelope.kind = records::Kind::test;
  EnvelopeRecipient to{*recipient, recipient->key(), {}};
  const auto listing = reception.ports().suppression.find(shop->id, to.key, now());
  if (!listing) co_return unavailable(listing.error().detail);
  if (*listing) to.suppressed = std::to_string((*listing)->entry);
  envelope.recipients.push_back(std::move(to));
  std::string bytes = message(trial.sender, trial.recipient);
  Acceptor acceptor(reception, *site);
  const smtp::Reply reply = co_await acceptor.accept(client, envelope, bytes);
  co_return id_in(reply);
}

}  // namespace ecrelay::intake
