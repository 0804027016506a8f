#include <algorithm>
#include <array>

#include "control/fields.h"
#include "control/render.h"
#include "control/table.h"
#include "core/escape.h"
#include "dkim/key.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;

bool is_text(const json::object& record) { return field(record, "type") == "TXT"; }
bool is_there(const json::object& record) { return field(record, "state") == "ok"; }

// --- dns show -----------------------------------------------------------------------------

std::string lines_of(const json::object& result, std::string_view name, std::string_view before) {
  std::string text;
  for (const json::value& each : list(result, name)) {
    if (each.is_string()) text += std::string(before) + printable(each.get_string(), 4096) + "\n";
  }
  return text;
}

std::string as_table(const json::object& result) {
  Table table(
      {{"NAME", Align::left, 80}, {"TYPE"}, {""}, {"IN DNS"}, {"VALUE", Align::left, 1000}});
  for (const json::value& each : list(result, "records")) {
    const json::object& record = object_of(each);
    const bool ours = field(record, "by") == "operator";
    table.add({field(record, "name"), field(record, "type"),
               ours                      ? "operator's"
               : truth(record, "needed") ? "needed"
                                         : "advised",
               field(record, "state"), field(record, "value")});
  }
  return table.text() + lines_of(result, "advice", "");
}

/// A character-string of a zone file (RFC 1035 5.1).
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

/// TXT in strings of at most 255 bytes; names end in a dot.
std::string zone_value(const json::object& record) {
  const std::string value = field(record, "value");
  if (!is_text(record)) return printable(value) + ".";
  std::string strings;
  for (const std::string& each : dkim::txt_strings(value)) strings += " " + quoted(each);
  return "(" + printable(strings, 8192) + " )";
}

/// A line to be put into the zone file; what only stands for something is a comment.
std::string zone_line(const json::object& record) {
  if (field(record, "value").empty()) return {};
  const bool live = truth(record, "needed") || is_there(record);
  const bool replaces = field(record, "purpose") == "spf" && !is_there(record);
  std::string text = replaces ? lines_of(record, "found", "; instead of: ") : std::string();
  return text + (live ? "" : "; advised: ") + shown(record, "name") + ". 3600 IN " +
         shown(record, "type") + " " + zone_value(record) + "\n";
}

std::string zone_part(const json::object& result, std::string_view by, const std::string& title) {
  std::string text;
  for (const json::value& each : list(result, "records")) {
    const json::object& record = object_of(each);
    if (field(record, "by") == by) text += zone_line(record);
  }
  return text.empty() ? "" : title + text;
}

std::string as_zone(const json::object& result) {
  return zone_part(result, "shop", "; for the zone of " + shown(result, "domain") + "\n") +
         zone_part(result, "operator", "; for the operator's own zone\n") +
         lines_of(result, "advice", "; ");
}

// --- dns check ----------------------------------------------------------------------------

std::string checked(const json::object& record) {
  std::string state = field(record, "state");
  if (state == "absent" && !truth(record, "needed")) state = "absent (advised only)";
  std::string text = "  " + shown(record, "name") + " " + shown(record, "type") + ": " + state;
  if (record.contains("lookups") && field(record, "lookups") != "0")
    text += ", " + shown(record, "lookups") + " of 10 look-ups";
  text += "\n" + lines_of(record, "remarks", "    ");
  const bool comes = is_there(record) || field(record, "state") == "waiting";
  if (comes || field(record, "value").empty()) return text;
  return text + lines_of(record, "found", "    found:    ") +
         "    expected: " + printable(field(record, "value"), 4096) + "\n";
}

}  // namespace

std::string render_dns_check(const json::object& result) {
  std::string text;
  for (const json::value& each : list(result, "domains")) {
    const json::object& domain = object_of(each);
    text += shown(domain, "domain") + ": " + (truth(domain, "ok") ? "ok" : "NOT OK") + "\n";
    for (const json::value& record : list(domain, "records")) text += checked(object_of(record));
    text += lines_of(domain, "advice", "  ");
  }
  return text;
}

std::string render_dns(const json::object& result, std::string_view format) {
  if (format == "zone") return as_zone(result);
  if (format == "ja") return render_dns_letter(result);
  return as_table(result);
}

}  // namespace ecrelay::control
