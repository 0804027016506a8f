#pragma once

#include <optional>
#include <string>

#include "mail/report.h"
#include "policy/operator_rule.h"
#include "policy/return_path.h"
#include "records/list_rules.h"
#include "records/report.h"
#include "store/inquiry.h"

namespace ecrelay::reports {

/// To whom a report came: the return path that was signed, and the recipient the book has for it.
struct Subject {
  policy::ReturnPath path;
  store::Addressee addressee;
};

/// What a report comes to: the row beside the recipient, and what it says about the address.
struct Finding {
  records::Report report;
  std::optional<records::Sign> sign;
};

/// The token says who is meant. Of several results the one that names this recipient counts; where
/// none does (a list was expanded, or the text lies) the one with the least effect. A report that
/// could not be read is kept as `unreadable` and means nothing. The operator's own rows are asked
/// before the table.
Finding finding_of(const mail::Report& report, const Subject& subject, TimePoint at,
                   const policy::OperatorRules& own = {});

}  // namespace ecrelay::reports
