#include "control/month_archive.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "control/arguments.h"
#include "control/examination.h"
#include "control/json.h"
#include "control/money_answers.h"
#include "finance/sha256.h"
#include "store/archive.h"
#include "store/audit.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;
using std::chrono::year_month;

/// Rows that leave the book in one transaction: mail waits for it about 30 ms.
constexpr std::int64_t rows_at_once = 5'000;

struct Archiving {
  store::Archived archive;
  records::AuditRow audit;
  bool known = false;  ///< to the book already
  std::int64_t after = 0;
  Progress cleared;
  ProgressReport report;
};

Reply tell_archiving(const Archiving& archiving) {
  tell_log(archiving.audit);
  const store::Archived& archive = archiving.archive;
  json::object answer;
  answer["month"] = to_text(archive.month);
  answer["file"] = json_text("archive/" + archive.file);
  answer["bytes"] = archive.bytes;
  answer["rows"] = archive.entries;
  answer["net_yen"] = archive.net.exact();
  answer["sha256"] = archive.sha256;
  return answer;
}

void write_archiving(Archiving& archiving, store::Transaction& rows) {
  if (!archiving.known) store::note_archive(rows, archiving.archive);
  store::audit(rows, archiving.audit);
}

/// True while there may be more.
bool clear_some(Archiving& archiving, store::Transaction& rows) {
  const auto last = store::clear_archived(rows, archiving.after, rows_at_once);
  if (!last) return false;
  archiving.after = *last;
  archiving.cleared.done = std::min(archiving.cleared.done + rows_at_once, archiving.cleared.all);
  if (archiving.report) archiving.report(archiving.cleared);
  return true;
}

/// The next month to be archived is the first that is closed and is not.
std::optional<Error> out_of_turn(store::Accounts accounts, year_month month) {
  for (const store::ClosedMonth& closed : accounts.closed_months()) {
    if (accounts.archived(closed.month)) continue;
    if (closed.month == month) return std::nullopt;
    if (closed.month < month) return conflict("archive " + to_text(closed.month) + " first");
  }
  return conflict(to_text(month) + " is not closed: only closed months are archived");
}

/// Files made from the archive alone must be those that the month was closed with.
bool gives_the_same(const Question& question, const store::ClosedMonth& closed) {
  const MonthPass pass = pass_over(
      question.book, closed.month, question.settings, finance::Format{},
      [](const std::string&, std::string_view) {}, question.report);
  return standard_manifest(pass, closed) == closed.manifest;
}

Result<store::Archived> make_archive(const Question& question, const store::ClosedMonth& closed) {
  store::Accounts accounts = question.book.accounts();
  Progress progress;
  for (const records::ShopDay& day : accounts.days(closed.month))
    progress.all += day.usage.charges + day.usage.reversals + day.usage.adjustments;
  store::Archived archive;
  try {
    archive = question.book.write_archive(closed.month, [&](std::int64_t written) {
      progress.done = written;
      if (question.report) question.report(progress);
    });
  } catch (const store::Refused& refusal) {
    return conflict(refusal.what());
  }
  question.book.read_too(archive);
  if (!gives_the_same(question, closed))
    return conflict(to_text(closed.month) +
                    " does not come out as it was closed: month verify tells where");
  const auto hash =
      sha256_of_file(store::archive_folder(question.book.file()) + "/" + archive.file);
  if (!hash) return hash.error();
  archive.sha256 = *hash;
  question.book.give_name(archive);
  return archive;
}

}  // namespace

Result<std::string> sha256_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  finance::Sha256 hash;
  std::array<char, 65536> bytes;
  while (file.read(bytes.data(), bytes.size()) || file.gcount() > 0)
    hash.add(std::string_view(bytes.data(), static_cast<std::size_t>(file.gcount())));
  if (!file.eof()) return unavailable("cannot read " + path);
  return hash.hex();
}

Result<Change> plan_archive(const Question& question, const Caller& caller) {
  Arguments given(question.arguments);
  given.required("month");
  const auto month = month_in(given);
  if (auto wrong = given.problem()) return *wrong;
  store::Accounts accounts = question.book.accounts();
  auto archiving = std::make_shared<Archiving>();
  archiving->audit = audit_row("month archive", question, caller);
  archiving->audit.target = to_text(*month);
  archiving->report = question.report;
  if (const auto archived = accounts.archived(*month)) {
    archiving->archive = *archived;
    archiving->known = true;
    archiving->audit.detail = "archived already; what was left of it leaves the book";
  } else {
    if (auto wrong = out_of_turn(accounts, *month)) return *wrong;
    auto archive = make_archive(question, *accounts.closed(*month));
    if (!archive) return archive.error();
    archiving->archive = std::move(*archive);
    archiving->archive.at = question.now;
    archiving->archive.actor = archiving->audit.actor;
    archiving->audit.detail = "archive/" + archiving->archive.file + ", " +
                              std::to_string(archiving->archive.entries) + " rows, SHA-256 " +
                              archiving->archive.sha256;
  }
  archiving->cleared.all = archiving->archive.entries;
  Change change;
  change.work = [archiving](store::Transaction& rows) { write_archiving(*archiving, rows); };
  change.rest = [archiving](store::Transaction& rows) { return clear_some(*archiving, rows); };
  change.done = [archiving](const Ports&) { return tell_archiving(*archiving); };
  return change;
}

}  // namespace ecrelay::control
