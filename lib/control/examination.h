#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "control/progress.h"
#include "core/time.h"
#include "finance/manifest.h"
#include "finance/month_files.h"
#include "finance/statement.h"
#include "records/charge.h"
#include "store/accounts.h"
#include "store/inquiry.h"

/// A month looked at as a whole: what has to be true of it, and the files it comes to.
namespace ecrelay::control {

/// How long after its end a month may be closed: the longest that an attempt begun in it can take
/// to be answered and booked (RFC 5321 4.5.3.2 adds up to less).
inline constexpr Duration closing_grace = std::chrono::hours(1);

struct Check {
  std::string name;
  bool ok = false;
  std::string detail;  ///< what was compared; differences a line each
};

/// A month's files, made once from the ledger and the day totals.
struct MonthPass {
  std::vector<records::ShopDay> days;
  std::map<std::string, std::string> names;  ///< of shops
  std::vector<finance::FileSummary> files;
  finance::Recounts recounts;
  std::map<std::string, std::int64_t> off_price;  ///< charges at no price that was in force
  std::uint64_t replaced = 0;                     ///< characters that the encoding lacked
};

/// Reads the month's ledger row by row, about 2 us each. Names of shops are those of its closing,
/// or of the configuration.
MonthPass pass_over(store::Inquiry& book, std::chrono::year_month month,
                    const config::Settings& settings, const finance::Format& format,
                    const finance::MonthFiles::Sink& sink, const ProgressReport& report = {});

/// The equations of P2 and P3 for a month. Reads the ledger of the month and all recipients.
std::vector<Check> equations(store::Inquiry& book, std::chrono::year_month month,
                             const MonthPass& pass);

/// Our recipients sent through an upstream against its own count, day by day.
Check against_statement(store::Inquiry& book, std::chrono::year_month month,
                        const std::string& upstream, const finance::Statement& statement);

/// Whether the month is the next to be closed, and over since long enough.
std::vector<Check> due_to_close(store::Accounts accounts, std::chrono::year_month month,
                                TimePoint now);

/// The manifest of the month as it closes (or has closed), of its files in the standard format.
std::string month_manifest(const MonthPass& pass, std::chrono::year_month month,
                           const std::string& node, const finance::ManifestHead::Closing& closing);

/// The manifest of a month that is closed, as it comes out now.
std::string standard_manifest(const MonthPass& pass, const store::ClosedMonth& closed);
/// The node that a closed month's manifest names: it may have another name by now.
std::string node_of(const store::ClosedMonth& closed);

bool all_ok(const std::vector<Check>& checks);

}  // namespace ecrelay::control
