#include "control/money_changes.h"

#include <memory>
#include <utility>

#include "control/arguments.h"
#include "control/criteria.h"
#include "control/examination.h"
#include "control/forms.h"
#include "control/json.h"
#include "control/money_answers.h"
#include "finance/sha256.h"
#include "log/events.h"
#include "store/audit.h"
#include "store/ledger.h"
#include "store/months.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;

struct Closing {
  store::MonthClosing month;
  records::AuditRow audit;
  Money net;
};

std::string failures(const std::vector<Check>& checks) {
  std::string lines;
  for (const Check& check : checks)
    if (!check.ok) lines += (lines.empty() ? "" : "\n") + check.name + ": " + check.detail;
  return lines;
}

Reply tell_closing(const Closing& closing) {
  const std::string month = to_text(closing.month.month);
  log::month_closed(month, closing.audit.actor, closing.net.exact(), closing.month.sha256);
  tell_log(closing.audit);
  json::object answer;
  answer["month"] = month;
  answer["net_yen"] = closing.net.exact();
  answer["sha256"] = closing.month.sha256;
  answer["previous_sha256"] = closing.month.previous;
  answer["closed_at"] = json_time(closing.month.at);
  return answer;
}

struct Adjusting {
  store::Adjustment adjustment;
  records::AuditRow audit;
  std::int64_t row = 0;
};

Reply tell_adjustment(const Adjusting& adjusting) {
  tell_log(adjusting.audit);
  json::object answer;
  answer["adjustment"] = adjusting.row;
  answer["shop"] = json_text(adjusting.adjustment.shop);
  answer["amount_yen"] = adjusting.adjustment.amount.exact();
  return answer;
}

struct Reversing {
  store::Reversal reversal;
  records::LedgerEntry charge;
  records::AuditRow audit;
  std::int64_t row = 0;
};

Reply tell_reversal(const Reversing& reversing) {
  tell_log(reversing.audit);
  json::object answer;
  answer["charge"] = reversing.charge.id;
  answer["reversal"] = reversing.row;
  answer["shop"] = json_text(reversing.charge.shop);
  answer["amount_yen"] = (Money() - reversing.charge.amount).exact();
  return answer;
}

}  // namespace

Result<Change> plan_month_close(const Question& question, const Caller& caller) {
  Arguments given(question.arguments);
  given.required("month");
  const auto month = month_in(given);
  if (auto wrong = given.problem()) return *wrong;
  store::Accounts accounts = question.book.accounts();
  if (const auto closed = accounts.closed(*month))
    return conflict(to_text(*month) + " was closed on " + timestamp(closed->closed_at) + " by " +
                    closed->actor);
  auto checks = due_to_close(accounts, *month, question.now);
  if (!all_ok(checks)) return conflict(failures(checks));
  const MonthPass pass = pass_over(
      question.book, *month, question.settings, finance::Format{},
      [](const std::string&, std::string_view) {}, question.report);
  checks = equations(question.book, *month, pass);
  if (!all_ok(checks)) return conflict(failures(checks));

  auto closing = std::make_shared<Closing>();
  closing->audit = audit_row("month close", question, caller);
  closing->audit.target = to_text(*month);
  store::MonthClosing& row = closing->month;
  row.month = *month;
  row.at = question.now;
  row.actor = closing->audit.actor;
  row.names = pass.names;
  row.days = pass.days;
  const auto before = accounts.closed_months();
  row.previous = before.empty() ? "" : before.back().sha256;
  row.manifest =
      month_manifest(pass, *month, question.settings.node,
                     finance::ManifestHead::Closing{row.at, row.actor, row.previous, ""});
  row.sha256 = finance::sha256(row.manifest);
  for (const records::ShopDay& day : pass.days) closing->net = closing->net + day.usage.net();
  closing->audit.detail = closing->net.exact() + " yen net, manifest " + row.sha256;

  Change change;
  change.work = [closing](store::Transaction& rows) {
    store::close_month(rows, closing->month);
    store::audit(rows, closing->audit);
  };
  change.done = [closing](const Ports&) { return tell_closing(*closing); };
  return change;
}

Result<Change> plan_reversal(const Question& question, const Caller& caller) {
  Arguments given(question.arguments);
  const std::size_t id = given.count("charge", 0, std::size_t{1} << 62);
  const std::string reason = reason_in(given);
  if (auto wrong = given.problem()) return *wrong;
  store::Accounts accounts = question.book.accounts();
  const auto charge = accounts.entry(static_cast<std::int64_t>(id));
  const std::string name = "charge " + std::to_string(id);
  if (!charge) return not_found("the ledger has no " + name + ": ledger search finds its number");
  if (charge->kind != records::EntryKind::charge)
    return conflict("row " + std::to_string(id) + " is no charge but a " +
                    std::string(records::text(charge->kind)));
  if (const auto row = accounts.reversal_of(charge->id))
    return conflict(name + " has been reversed already, by row " + std::to_string(*row));

  auto reversing = std::make_shared<Reversing>();
  reversing->charge = *charge;
  reversing->audit = audit_row("ledger reverse", question, caller);
  reversing->audit.target = name;
  reversing->audit.reason = reason;
  reversing->reversal = store::Reversal{charge->id, question.now, reason, reversing->audit.actor};
  Change change;
  change.work = [reversing](store::Transaction& rows) {
    reversing->row = store::reverse(rows, reversing->reversal);
    reversing->audit.detail = "row " + std::to_string(reversing->row) + ", shop " +
                              reversing->charge.shop + ", " + reversing->charge.amount.exact() +
                              " yen taken back";
    store::audit(rows, reversing->audit);
  };
  change.done = [reversing](const Ports&) { return tell_reversal(*reversing); };
  return change;
}

Result<Change> plan_adjustment(const Question& question, const Caller& caller) {
  constexpr Money most = Money::milli_yen(1'000'000'000'000);
  Arguments given(question.arguments);
  const std::string shop = given.required("shop");
  given.required("amount");
  const Money amount = yen_in(given, "amount").value_or(Money::milli_yen(1));
  const std::string reason = reason_in(given);
  if (amount == Money()) given.wrong("an adjustment of nothing changes nothing");
  if (amount > most || amount < Money() - most)
    given.wrong("amount: at most 1,000,000,000 yen at a time");
  if (auto wrong = given.problem()) return *wrong;
  // A shop that has left may still be owed something.
  if (!question.book.accounts().knows(shop))
    if (auto unknown = unknown_shop(shop, question.settings)) return *unknown;

  auto adjusting = std::make_shared<Adjusting>();
  adjusting->audit = audit_row("ledger adjust", question, caller);
  adjusting->audit.target = "shop " + shop;
  adjusting->audit.reason = reason;
  adjusting->adjustment =
      store::Adjustment{shop, amount, question.now, reason, adjusting->audit.actor};
  Change change;
  change.work = [adjusting](store::Transaction& rows) {
    adjusting->row = store::adjust(rows, adjusting->adjustment);
    adjusting->audit.detail = "row " + std::to_string(adjusting->row) + ", " +
                              adjusting->adjustment.amount.exact() + " yen";
    store::audit(rows, adjusting->audit);
  };
  change.done = [adjusting](const Ports&) { return tell_adjustment(*adjusting); };
  return change;
}

}  // namespace ecrelay::control
