#include "control/render.h"

#include <algorithm>
#include <array>

#include "control/fields.h"
#include "control/table.h"
#include "core/escape.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;

std::string with_more(const json::object& result, std::string text) {
  if (truth(result, "more")) text += "… there may be more: raise --limit\n";
  return text;
}

std::string queue(const json::object& result) {
  Table table({{"ID"},
               {"N", Align::right},
               {"RECIPIENT", Align::left, 40},
               {"SHOP", Align::left, 16},
               {"STATE"},
               {"DUE"},
               {"TRIES", Align::right},
               {"SUBJECT", Align::left, 30},
               {"LAST REPLY", Align::left, 50}});
  for (const json::value& each : list(result, "recipients")) {
    const json::object& row = object_of(each);
    table.add({field(row, "id"), field(row, "n"), field(row, "address"), field(row, "shop"),
               field(row, "state"), time_field(row, "due"), field(row, "attempts"),
               field(row, "subject"), field(row, "reply")});
  }
  return table.empty() ? "nothing queued\n" : with_more(result, table.text());
}

std::string queued_message(const json::object& message) {
  std::string text = shown(message, "id") + "  shop " + shown(message, "shop") + ", accepted " +
                     time_field(message, "accepted_at") + ", expires " +
                     time_field(message, "expires_at") + "\nsubject: " + shown(message, "subject") +
                     "\n";
  Table table({{"N", Align::right},
               {"RECIPIENT", Align::left, 40},
               {"STATE"},
               {"DUE"},
               {"TRIES", Align::right},
               {"LAST REPLY", Align::left, 70}});
  for (const json::value& each : list(message, "recipients")) {
    const json::object& row = object_of(each);
    table.add({field(row, "n"), field(row, "address"), field(row, "state"), time_field(row, "due"),
               field(row, "attempts"), field(row, "reply")});
  }
  return text + table.text();
}

std::string audit(const json::object& result) {
  Table table({{"AT"},
               {"WHO", Align::left, 20},
               {"FROM", Align::left, 30},
               {"ACTION"},
               {"TARGET", Align::left, 40},
               {"REASON", Align::left, 40},
               {"DETAIL", Align::left, 40}});
  for (const json::value& each : list(result, "rows")) {
    const json::object& row = object_of(each);
    table.add({time_field(row, "at"), field(row, "actor"), field(row, "origin"),
               field(row, "action"), field(row, "target"), field(row, "reason"),
               field(row, "detail")});
  }
  return table.text();
}

std::string explanation(const json::object& result) {
  Table table({{""}, {"QUESTION"}, {"ANSWER", Align::left, 100}});
  for (const json::value& each : list(result, "steps")) {
    const json::object& step = object_of(each);
    table.add(
        {truth(step, "passed") ? "ok" : "NO", field(step, "question"), field(step, "answer")});
  }
  return table.text();
}

std::string remark_on(const json::object& key) {
  const std::string state = field(key, "state");
  if (!field(key, "problem").empty()) return field(key, "problem");
  if (state == "pending") return "not in DNS yet: ecrelayctl dns check " + field(key, "domain");
  if (state == "retiring") return "replaced; must stay in DNS until " + time_field(key, "until");
  if (state == "retired") return "may be removed from the configuration, and from DNS";
  return truth(key, "weak") ? "weak: use 2048 bits" : "";
}

std::string keys(const json::object& result) {
  Table table({{"DOMAIN", Align::left, 40},
               {"SELECTOR", Align::left, 20},
               {"STATE"},
               {"SINCE"},
               {"ALGORITHM"},
               {"BITS", Align::right},
               {"SHOP", Align::left, 20},
               {"KEY", Align::left, 60},
               {"REMARK", Align::left, 80}});
  for (const json::value& each : list(result, "keys")) {
    const json::object& key = object_of(each);
    table.add({field(key, "domain"), field(key, "selector"), field(key, "state"),
               time_field(key, "since"), field(key, "algorithm"), field(key, "bits"),
               field(key, "shop"), field(key, "key"), remark_on(key)});
  }
  return table.empty() ? "no keys: ecrelayctl dkim new makes one\n" : table.text();
}

std::string retried(const json::object& result) {
  return "recipients due now: " + shown(result, "retried") + "\n";
}

std::string intervened(const json::object& result) {
  std::string text = "recipients " + shown(result, "state") + ": " + shown(result, "count") + "\n";
  for (const json::value& each : list(result, "in_delivery")) {
    text += "not " + std::string(each.as_string()) + ", which is being delivered now\n";
  }
  if (truth(result, "more")) text += "… there are more: give the command again\n";
  return text;
}

/// "limits.connections: 2000 -> 3000", long lists with what is left out.
std::string differences(const json::array& list) {
  constexpr std::size_t most = 200;
  std::string text;
  for (std::size_t i = 0; i < std::min(most, list.size()); ++i) {
    const json::object& each = list[i].as_object();
    const bool changed = each.at("change") == "changed";
    text +=
        shown(each, "path") + ": " +
        (changed ? shown(each, "before") + " -> " + shown(each, "after") : shown(each, "change"));
    text += truth(each, "restart") ? "  (needs a restart)\n" : "\n";
  }
  if (list.size() > most) text += "… and " + std::to_string(list.size() - most) + " more\n";
  return text;
}

std::string reloaded(const json::object& result) {
  std::string text = differences(list(result, "changes"));
  for (const json::value& each : list(result, "warnings"))
    text += "warning: " + printable(std::string(each.as_string())) + "\n";
  return text + (list(result, "changes").empty() ? shown(result, "text") + "\n"
                                                 : "the new configuration is in force\n");
}

std::string compared(const json::object& result) {
  if (truth(result, "ok")) return "no difference from the configuration in force\n";
  return differences(list(result, "differences"));
}

std::string suppression(const json::object& result) { return render_suppression(result, "en"); }

std::string dns_table(const json::object& result) { return render_dns(result, "table"); }

struct Rendering {
  std::string_view command;
  std::string (*render)(const json::object& result);
};

constexpr auto renderings = std::to_array<Rendering>({
    {"status", render_status},
    {"queue.list", queue},
    {"queue.show", queued_message},
    {"queue.retry", retried},
    {"queue.hold", intervened},
    {"queue.release", intervened},
    {"queue.cancel", intervened},
    {"trace", render_trace},
    {"usage", render_usage},
    {"suppression.show", suppression},
    {"suppression.list", render_suppressions},
    {"suppression.add", render_added},
    {"suppression.clear", render_cleared},
    {"suppression.clear.preview", render_clear_preview},
    {"suppression.undo", render_cleared},
    {"suppression.undo.preview", render_clear_preview},
    {"suppression.parked.list", render_parked},
    {"suppression.parked.release", render_decided},
    {"suppression.parked.drop", render_decided},
    {"suppression.history", render_history},
    {"audit", audit},
    {"host.explain", explanation},
    {"dkim.list", keys},
    {"dns.show", dns_table},
    {"dns.check", render_dns_check},
    {"reload", reloaded},
    {"config.diff", compared},
    {"month.status", render_months},
    {"month.check", render_checks},
    {"month.close", render_closed},
    {"month.archive", render_archived},
    {"month.export", render_export},
    {"month.verify", render_checks},
    {"ledger.search", render_ledger},
    {"ledger.reverse", render_reversal},
    {"ledger.adjust", render_adjustment},
    {"reconcile", render_checks},
});

}  // namespace

std::string render(std::string_view command, const json::object& result) {
  for (const Rendering& each : renderings) {
    if (each.command == command) return each.render(result);
  }
  return {};
}

}  // namespace ecrelay::control
