#include "control/fields.h"
#include "control/render.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;

std::string line(std::string label, const std::string& text) {
  label.resize(12, ' ');
  return "  " + label + text + "\n";
}

/// " LABEL VALUE", or nothing without a value.
std::string with(const std::string& label, const std::string& value) {
  return value.empty() ? "" : label + value;
}

std::string session(const json::object& message) {
  const std::string tls = shown(message, "tls");
  return "host " + shown(message, "host") + " at " + shown(message, "client") +
         with(", helo ", shown(message, "helo")) + (tls.empty() ? ", in clear" : ", " + tls) +
         with(", session ", shown(message, "session"));
}

std::string admitted(const json::object& message) {
  return "for shop " + shown(message, "shop") + ": envelope <" + shown(message, "sender") +
         ">, header From " + shown(message, "header_from");
}

std::string route(const json::object& message) {
  return "upstream " + shown(message, "upstream") + ", lane " + shown(message, "lane") +
         with(", tag ", shown(message, "tag")) +
         with(", idempotency key ", shown(message, "idempotency_key"));
}

std::string attempt(const json::object& tried) {
  const std::string code = field(tried, "code");
  std::string text = "       #" + shown(tried, "number") + " " + time_field(tried, "at") + "  " +
                     shown(tried, "server") + "  " + shown(tried, "stage") + ": ";
  if (code != "0") text += shown(tried, "code") + with(" ", shown(tried, "enhanced")) + " ";
  return text + "\"" + shown(tried, "reply") + "\" -> " + shown(tried, "verdict") + " (" +
         shown(tried, "ms") + " ms" + with(", ", shown(tried, "tls")) + ")\n";
}

/// A report does not change what the recipient's state says: it stands below it.
std::string report(const json::object& came) {
  return "       reported " + time_field(came, "at") + "  " + shown(came, "kind") +
         with(" ", shown(came, "action")) + with(" ", shown(came, "reply")) +
         with(" ", shown(came, "status")) + ": \"" + shown(came, "text") + "\" -> " +
         shown(came, "decision") + " (" + shown(came, "reason") + ")\n";
}

std::string recipient(const json::object& to) {
  std::string text =
      "  " + shown(to, "n") + ". " + shown(to, "address") + ": " + shown(to, "state");
  if (!field(to, "finished_at").empty()) text += " " + time_field(to, "finished_at");
  if (!field(to, "due").empty()) text += ", due " + time_field(to, "due");
  if (truth(to, "bounced_later")) text += ", bounced later";
  const std::string attempts = shown(to, "attempts");
  text += ", " + attempts + (attempts == "1" ? " attempt\n" : " attempts\n");
  const json::array& tries = list(to, "tries");
  for (const json::value& each : tries) text += attempt(object_of(each));
  if (tries.empty())
    text += with("       ", shown(to, "reply")) + (field(to, "reply").empty() ? "" : "\n");
  for (const json::value& each : list(to, "reports")) text += report(object_of(each));
  return text;
}

std::string charges(const json::object& message) {
  std::string text = shown(message, "charged_yen") + " yen";
  for (const json::value& each : list(message, "ledger")) {
    const json::object& entry = object_of(each);
    text += "; " + shown(entry, "kind") + " " + shown(entry, "charge") + " of " +
            shown(entry, "amount_yen") + " at " + time_field(entry, "at") +
            with(": ", shown(entry, "reason"));
  }
  return text;
}

std::string effects(const json::object& message) {
  std::string text;
  for (const json::value& each : list(message, "suppressions")) {
    const json::object& event = object_of(each);
    text += line("list", shown(event, "key") + " " + shown(event, "event") + " " +
                             time_field(event, "at") + ", " + shown(event, "reason") + " (entry " +
                             shown(event, "entry") + "): " + shown(event, "evidence"));
  }
  return text.empty() ? line("list", "no effect on the suppression list") : text;
}

std::string listed_now(const json::object& entry) {
  const std::string shop = shown(entry, "shop");
  return "on the list now: " + shown(entry, "key") + ", " + shown(entry, "reason") + " since " +
         time_field(entry, "since") + (shop.empty() ? ", every shop" : ", shop " + shop) +
         " (entry " + shown(entry, "entry") + (truth(entry, "blocking") ? "" : ", over") + ")\n";
}

}  // namespace

std::string render_message(const json::object& message) {
  std::string text = shown(message, "id") + "  accepted " + time_field(message, "accepted_at") +
                     ", " + shown(message, "size") + " bytes, expires " +
                     time_field(message, "expires_at") + "\n";
  text += line("subject", shown(message, "subject"));
  text += line("message-id", shown(message, "message_id"));
  text += line("session", session(message));
  text += line("admitted", admitted(message));
  const std::string signatures = shown(message, "signatures");
  text += line("signed", signatures.empty() ? "no" : signatures);
  text += line("route", route(message));
  for (const json::value& each : list(message, "recipients")) text += recipient(object_of(each));
  const bool free = shown(message, "kind") == "test";
  text += line("charged", free ? "test, not charged" : charges(message));
  return text + effects(message);
}

std::string render_trace(const json::object& result) {
  std::string text;
  for (const json::value& each : list(result, "messages")) {
    text += (text.empty() ? "" : "\n") + render_message(object_of(each));
  }
  const json::array& listed = list(result, "listed");
  if (!listed.empty()) text += "\n";
  for (const json::value& each : listed) text += listed_now(object_of(each));
  if (truth(result, "more")) text += "… there may be older ones: raise --limit\n";
  return text;
}

}  // namespace ecrelay::control
