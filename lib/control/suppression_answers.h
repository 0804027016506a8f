#pragma once

#include "control/answers.h"

/// Questions about the suppression list, for support first.
namespace ecrelay::control {

/// suppression.show: all that is known of an address, on one screen: "blocked" and for which shops
/// ("blocked_for", "" is every shop), its open entries with evidence, mail and standing, how much
/// mail they held back, its points, its history, and how often somebody cleared it within 90 days.
Answer show_suppression(const Question& question);
/// suppression.list.
Answer list_suppressions(const Question& question);
/// suppression.parked.list.
Answer list_parked(const Question& question);
/// suppression.history.
Answer show_history(const Question& question);
/// suppression.clear.preview: what suppression.clear with the same arguments would clear, and what
/// would stay, by reason.
Answer preview_clearance(const Question& question);

/// Clearing a whole domain takes what mail servers have said, never what people have.
bool is_said_by_servers(std::string_view reason);

}  // namespace ecrelay::control
