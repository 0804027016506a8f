#include <algorithm>
#include <string>
#include <vector>

#include "control/fields.h"
#include "control/render.h"
#include "control/table.h"
#include "core/escape.h"
#include "core/text.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;

std::vector<std::string> usage_cells(const json::object& row, const std::string& label) {
  std::vector<std::string> cells = {label, field(row, "name")};
  for (const char* name : {"messages", "recipients", "sent", "bounced", "suppressed", "expired",
                           "cancelled", "sandboxed", "charges", "amount_yen", "reversals_yen",
                           "adjustments_yen", "net_yen", "forecast_yen"}) {
    cells.push_back(field(row, name));
  }
  return cells;
}

/// What is not billed, and stands beside it.
std::string beside(const json::object& total) {
  return "not billed besides: " + shown(total, "reports") + " reports of ours, " +
         shown(total, "tests") +
         " test mails; billed, and reported undeliverable later: " + shown(total, "bounced_later") +
         "\n";
}

std::string limits(const json::object& result) {
  std::string text;
  for (const json::value& each : list(result, "limits")) {
    const json::object& row = object_of(each);
    text += "limits of " + shown(row, "shop") + ":";
    if (row.contains("yen_per_month"))
      text += " " + shown(row, "month_percent") + "% of " + shown(row, "yen_per_month") +
              " yen a month";
    if (row.contains("messages_per_day"))
      text += (row.contains("yen_per_month") ? ", " : " ") + shown(row, "day_percent") + "% of " +
              shown(row, "messages_per_day") + " messages a day";
    text += "\n";
  }
  return text;
}

std::string usage_by_message(const json::object& result) {
  Table table({{"CHARGE", Align::right},
               {"AT"},
               {"SHOP", Align::left, 20},
               {"MESSAGE"},
               {"KIND"},
               {"UNIT"},
               {"YEN", Align::right}});
  std::string last = "0";
  for (const json::value& each : list(result, "rows")) {
    const json::object& row = object_of(each);
    last = field(row, "charge");
    table.add({last, time_field(row, "at"), field(row, "shop"), field(row, "message"),
               field(row, "kind"), field(row, "unit"), field(row, "amount_yen")});
  }
  std::string text =
      table.text() + "month: " + shown(part(result, "total"), "amount_yen") + " yen\n";
  if (truth(result, "more")) text += "… go on with --after " + last + "\n";
  return text;
}

}  // namespace

std::string render_usage(const json::object& result) {
  if (field(result, "by") == "message") return usage_by_message(result);
  const bool days = field(result, "by") == "day";
  Table table({{days ? "DAY" : "SHOP", Align::left, 30},
               {days ? "" : "NAME", Align::left, 30},
               {"MESSAGES", Align::right},
               {"RECIPIENTS", Align::right},
               {"SENT", Align::right},
               {"BOUNCED", Align::right},
               {"SUPPRESSED", Align::right},
               {"EXPIRED", Align::right},
               {"CANCELLED", Align::right},
               {"SANDBOXED", Align::right},
               {"CHARGES", Align::right},
               {"YEN", Align::right},
               {"REVERSED", Align::right},
               {"ADJUSTED", Align::right},
               {"NET YEN", Align::right},
               {"FORECAST", Align::right}});
  for (const json::value& each : list(result, "rows")) {
    const json::object& row = object_of(each);
    table.add(usage_cells(row, field(row, "label")));
  }
  table.add(usage_cells(part(result, "total"), "total"));
  return shown(result, "month") + " (JST)\n" + table.text() + beside(part(result, "total")) +
         limits(result);
}

std::string render_months(const json::object& result) {
  Table table({{"MONTH"},
               {"STATE"},
               {"MESSAGES", Align::right},
               {"SENT", Align::right},
               {"CHARGES", Align::right},
               {"YEN", Align::right},
               {"REVERSED", Align::right},
               {"ADJUSTED", Align::right},
               {"NET YEN", Align::right},
               {"CLOSED"},
               {"BY", Align::left, 20},
               {"MANIFEST", Align::left, 16}});
  for (const json::value& each : list(result, "months")) {
    const json::object& row = object_of(each);
    table.add({field(row, "month"), field(row, "state"), field(row, "messages"), field(row, "sent"),
               field(row, "charges"), field(row, "amount_yen"), field(row, "reversals_yen"),
               field(row, "adjustments_yen"), field(row, "net_yen"), time_field(row, "closed_at"),
               field(row, "closed_by"), field(row, "sha256")});
  }
  return table.text() + "due: over, and can be closed with month close\n";
}

std::string render_checks(const json::object& result) {
  std::string text = shown(result, "month") + " (JST)\n";
  for (const json::value& each : list(result, "checks")) {
    const json::object& check = object_of(each);
    std::string name = shown(check, "check");
    name.resize(std::max<std::size_t>(name.size(), 12), ' ');
    const std::string detail = field(check, "detail");
    std::string lead = std::string(truth(check, "ok") ? "  ok  " : "  NO  ") + name + "  ";
    for (const std::string_view line : text::split(detail, '\n')) {
      text += lead + printable(line, 1024) + "\n";
      lead.assign(lead.size(), ' ');
    }
  }
  return text + (truth(result, "ok") ? "everything agrees\n" : "NOT EVERYTHING AGREES\n");
}

std::string render_archived(const json::object& result) {
  return shown(result, "month") + " is archived: " + shown(result, "rows") + " rows, " +
         shown(result, "net_yen") + " yen net, in " + shown(result, "file") + " of " +
         shown(result, "bytes") + " bytes\nSHA-256 " + shown(result, "sha256") +
         "\nkeep a copy of it elsewhere: every command goes on reading it\n";
}

std::string render_export(const json::object& result) {
  Table table({{"FILE", Align::left, 60},
               {"ROWS", Align::right},
               {"YEN", Align::right},
               {"NET YEN", Align::right},
               {"SHA-256", Align::left, 64}});
  for (const json::value& each : list(result, "files")) {
    const json::object& row = object_of(each);
    table.add({field(row, "name"), field(row, "rows"), field(row, "amount_yen"),
               field(row, "net_yen"), field(row, "sha256")});
  }
  return table.text() + shown(result, "manifest") + " " + shown(result, "manifest_sha256") + "\n";
}

std::string render_closed(const json::object& result) {
  const std::string text = shown(result, "month") + " is closed: " + shown(result, "net_yen") +
                           " yen net\nmanifest " + shown(result, "sha256") + "\n";
  return result.contains("export")
             ? text + render_export(part(result, "export"))
             : text + "month export writes its files, the same bytes every time\n";
}

std::string render_ledger(const json::object& result) {
  Table table({{"ROW", Align::right},
               {"AT"},
               {"SHOP", Align::left, 20},
               {"KIND"},
               {"YEN", Align::right},
               {"MESSAGE"},
               {"REVERSES", Align::right},
               {"TAG", Align::left, 16},
               {"REASON", Align::left, 40},
               {"BY", Align::left, 20}});
  std::string last;
  for (const json::value& each : list(result, "rows")) {
    const json::object& row = object_of(each);
    last = field(row, "charge");
    table.add({last, time_field(row, "at"), field(row, "shop"), field(row, "kind"),
               field(row, "amount_yen"), field(row, "message"), field(row, "reverses"),
               field(row, "tag"), field(row, "reason"), field(row, "actor")});
  }
  if (table.empty()) return "nothing in the ledger\n";
  return table.text() + (truth(result, "more") ? "… go on with --after " + last + "\n" : "");
}

std::string render_reversal(const json::object& result) {
  return "charge " + shown(result, "charge") + " of shop " + shown(result, "shop") +
         " is reversed by row " + shown(result, "reversal") + ": " + shown(result, "amount_yen") +
         " yen\n";
}

std::string render_adjustment(const json::object& result) {
  return "row " + shown(result, "adjustment") + " adjusts shop " + shown(result, "shop") + " by " +
         shown(result, "amount_yen") + " yen\n";
}

}  // namespace ecrelay::control
