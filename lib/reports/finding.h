#pragma once

#include <optional>
#include <string>

#include "config/settings.h"
#include "mail/report.h"
#include "policy/return_path.h"
#include "records/report.h"
#include "records/suppression.h"
#include "store/inquiry.h"

namespace ecrelay::reports {

/// To whom a report came: the return path that was signed, and the recipient the book has for it.
struct Subject {
  policy::ReturnPath path;
  store::Addressee addressee;
};

/// What a report comes to: the row beside the recipient, and the entry that follows from it.
struct Finding {
  records::Report report;
  std::optional<records::SuppressionEntry> entry;
};

/// The token says who is meant. Of several results the one that names this recipient counts; where
/// none does (a list was expanded, or the text lies) the one with the least effect. A report that
/// could not be read is kept as `unreadable` and means nothing.
Finding finding_of(const mail::Report& report, const Subject& subject, TimePoint at,
                   const config::Suppression& rules);

}  // namespace ecrelay::reports
