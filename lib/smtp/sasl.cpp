#include "smtp/sasl.h"

#include <string.h>

#include <algorithm>
#include <optional>

#include "core/base64.h"
#include "core/text.h"

namespace ecrelay::smtp {
namespace {

Reply malformed() { return Reply(501, "5.5.2", "malformed AUTH response"); }
Reply prompt(const char* base64) { return Reply(334, "", base64); }

bool is_user_name(std::string_view text) {
  return text::is_utf8(text) && std::none_of(text.begin(), text.end(), text::is_control);
}

}  // namespace

SaslStep SaslDialogue::start(std::string_view arguments, const std::vector<std::string>& offered) {
  *this = SaslDialogue();
  const std::size_t space = arguments.find(' ');
  const std::string mechanism = text::uppered(arguments.substr(0, space));
  if (mechanism.empty()) return Reply(501, "5.5.4", "AUTH needs a mechanism");
  if (std::find(offered.begin(), offered.end(), mechanism) == offered.end()) {
    return Reply(504, "5.5.4", "mechanism not offered");
  }
  plain_ = mechanism == "PLAIN";
  if (space != arguments.npos) {
    const std::string_view initial = text::trimmed(arguments.substr(space));
    return respond(initial == "=" ? "" : initial);  // RFC 4954 4: "=" is the empty response
  }
  return plain_ ? prompt("") : prompt("VXNlcm5hbWU6");  // "Username:"
}

SaslStep SaslDialogue::next(std::string_view line) {
  if (line == "*") return Reply(501, "5.7.0", "authentication cancelled");
  return respond(line);
}

SaslStep SaslDialogue::respond(std::string_view base64) {
  std::optional<std::string> message = base64_decode(base64);
  if (!message) return malformed();
  SaslStep step = plain_ ? plain(*message) : login(*message);
  explicit_bzero(message->data(), message->size());
  return step;
}

SaslStep SaslDialogue::plain(std::string_view message) const {
  const auto parts = text::split(message, '\0');
  if (parts.size() != 3 || !is_user_name(parts[1])) return malformed();
  if (!parts[0].empty() && parts[0] != parts[1]) {
    return Reply(535, "5.7.8", "no login on behalf of another");
  }
  return Auth{"PLAIN", std::string(parts[1]), Secret(std::string(parts[2]))};
}

SaslStep SaslDialogue::login(std::string_view message) {
  // A NUL would end the password early for crypt(3).
  if (has_user_ && message.find('\0') != message.npos) return malformed();
  if (has_user_) return Auth{"LOGIN", user_, Secret(std::string(message))};
  if (!is_user_name(message)) return malformed();
  user_ = message;
  has_user_ = true;
  return prompt("UGFzc3dvcmQ6");  // "Password:"
}

}  // namespace ecrelay::smtp
