#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "smtp/reply.h"
#include "smtp/server_event.h"

namespace ecrelay::smtp {

/// What a line of an AUTH dialogue leads to: the login it gave, a prompt (334), or a refusal.
using SaslStep = std::variant<Auth, Reply>;

/// The server's side of AUTH PLAIN (RFC 4616) and AUTH LOGIN, with or without an initial response.
/// An authorization identity that differs from the login is refused: nobody acts for another.
class SaslDialogue {
 public:
  /// `arguments` is what follows "AUTH"; `offered` are upper-case mechanism names.
  SaslStep start(std::string_view arguments, const std::vector<std::string>& offered);
  /// The client's next line, after a 334.
  SaslStep next(std::string_view line);

 private:
  SaslStep respond(std::string_view base64);
  SaslStep plain(std::string_view message) const;
  SaslStep login(std::string_view message);

  bool plain_ = true;
  bool has_user_ = false;
  std::string user_;
};

}  // namespace ecrelay::smtp
