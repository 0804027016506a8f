#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ecrelay::mail {

/// Addresses that a bounce names without meaning the recipient: who writes, who sent.
struct Bystanders {
  std::string reporter;  ///< From of the report
  std::string sender;    ///< whom it was sent to
};

/// A recipient that a text names, with what the text says about it.
struct Told {
  std::string recipient;
  std::string said;
};

/// The human part of a bounce without the message it gives back: up to a line that announces it
/// ("Below this line is a copy of the message"), or to the header lines of it themselves.
std::string_view without_returned_message(std::string_view text);

/// Whom a text says that delivery failed for, and what it says of each, by the shapes that mail
/// servers in use write: an address at the beginning of a line with the reason behind or below it
/// (qmail, Exim, Postfix, OpenSMTPD …), a reply or session command that names it (sendmail), and
/// at last, with `any_address`, one that is nobody else's. `named` are recipients that the header
/// names (X-Failed-Recipients): then it is these and no others. Linear in the text.
std::vector<Told> recipients_told(std::string_view text, const std::vector<std::string>& named,
                                  const Bystanders& bystanders, bool any_address);

}  // namespace ecrelay::mail
