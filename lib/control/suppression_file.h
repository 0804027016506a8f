#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/changes.h"
#include "control/consult.h"
#include "control/wire.h"
#include "core/result.h"
#include "records/suppression.h"

/// The suppression list as a file: CSV, UTF-8 (a BOM may be there), one entry a line:
///
///     address,shop,reason,until,evidence
///     hanako@example.jp,shop-a,unsubscribe,,asked by phone
///
/// Without a shop for every shop, without `until` for good, without a reason `manual`. The first
/// line may be left out; so may trailing columns. What is exported can be imported. Complaints and
/// unsubscribes are one shop's and do not end.
namespace ecrelay::control {

/// One line, without shop and address checked against the configuration. Errors say what is wrong.
Result<records::SuppressionEntry> read_entry_line(std::string_view line, TimePoint now);
std::string entry_line(const records::SuppressionEntry& entry);
inline constexpr std::string_view entry_header = "address,shop,reason,until,evidence";

/// `suppression.import`: entries as lines in "rows", all of them or none, with one audit row.
Result<Change> plan_import(const Question& question, const Caller& caller);
/// `suppression.import.check`: which of the entries as lines in "rows" are "wrong" (their place in
/// "rows", and why), and how many are "listed" already.
Result<boost::json::object> check_import(const Question& question);
/// `suppression.export`: entries in force behind "after_key" and "after_shop", as "lines".
Result<boost::json::object> export_entries(const Question& question);

/// The words of SuppressionEntry::reason.
bool is_reason(std::string_view reason);
/// What an entry cannot be.
std::optional<std::string> fault_of(const records::SuppressionEntry& entry);

/// `suppression import FILE`: reads the file and tells every bad line with its number, what only
/// the daemon knows of it included (shops); only a file without one is handed over, in pieces that
/// do not hold anybody up. `dry_run`: counts what would be done.
struct Import {
  std::string file;
  std::string reason;
  bool dry_run = false;
};
Consultation import_file(const Whereabouts& place, const Import& wanted);
/// `suppression export`: calls `write` with the file, piece by piece; false from it ends it.
Consultation export_file(const Whereabouts& place,
                         const std::function<bool(const std::string&)>& write);

std::string render_import(const boost::json::object& result);

}  // namespace ecrelay::control
