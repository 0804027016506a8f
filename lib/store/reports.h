#pragma once

#include <optional>

#include "records/list_rules.h"
#include "records/report.h"
#include "store/acceptance.h"
#include "store/database.h"
#include "store/weighing.h"

namespace ecrelay::store {

/// Whether a report has said so of this recipient.
bool said_to_have_failed(Connection& book, const Ulid& message, std::uint32_t recipient);

/// Keeps a report beside its recipient; true when it says something new. One that says again what
/// is kept already (a replay, another copy) changes nothing, and neither does one more about a
/// recipient that has 20 of them: a token that got into wrong hands fills no disk.
/// Where a mail of a shop that is sent is said to have failed for the first time, that counts as
/// `bounced_later` on the day of the later of the two; the charge stays. Refused when the book has
/// no such recipient.
[[nodiscard]] bool keep_report(Transaction& change, const records::Report& report);

/// A report on its way into the book.
struct Returned {
  records::Report report;
  std::optional<records::Sign> sign;  ///< what it says about the address
  /// Whether our own look-up found the domain of the address dead; absent: not asked, or no answer.
  std::optional<bool> domain_dead;
  std::optional<Acceptance> onward;  ///< the mail that carries it on to the sender
};
/// What the book made of it.
struct Kept {
  bool news = false;
  Weighed weighed;
};

/// Keeps it; where it is news, the sign is weighed (a sign that its domain is dead against our own
/// look-up: one that finds it alive makes it a point, and one that finds it dead a second time,
/// ListRules::domain_confirmation after the first, makes an entry of a point) and the mail that
/// carries it on is queued, all of it or nothing. That mail's body is in the spool already.
Kept keep(Transaction& change, const Returned& returned, const records::ListRules& rules);

}  // namespace ecrelay::store
