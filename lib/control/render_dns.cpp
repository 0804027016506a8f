#include "control/fields.h"
#include "control/render.h"
#include "control/table.h"
#include "core/escape.h"
#include "dkim/key.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;

std::string as_table(const json::object& result) {
  Table table({{"NAME", Align::left, 80}, {"TYPE"}, {""}, {"VALUE", Align::left, 1000}});
  for (const json::value& each : list(result, "records")) {
    const json::object& record = object_of(each);
    table.add({field(record, "name"), field(record, "type"),
               truth(record, "needed") ? "needed" : "advised", field(record, "value")});
  }
  std::string text = table.text();
  for (const json::value& each : list(result, "advice")) {
    if (each.is_string()) text += printable(each.get_string()) + "\n";
  }
  return text;
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

std::string zone_value(const json::object& record) {
  const std::string value = field(record, "value");
  if (field(record, "type") != "TXT") return printable(value);
  std::string strings;
  for (const std::string& each : dkim::txt_strings(value)) strings += " " + quoted(each);
  return "(" + strings + " )";
}

std::string as_zone(const json::object& result) {
  std::string text;
  for (const json::value& each : list(result, "records")) {
    const json::object& record = object_of(each);
    text += (truth(record, "needed") ? "" : "; advised: ") + shown(record, "name") + ". 3600 IN " +
            shown(record, "type") + " " + zone_value(record) + "\n";
  }
  for (const json::value& each : list(result, "advice")) {
    if (each.is_string()) text += "; " + printable(each.get_string()) + "\n";
  }
  return text;
}

std::string in_japanese(const json::object& result) {
  std::string text = shown(result, "domain") + " のDNSに登録するレコード\n";
  for (const json::value& each : list(result, "records")) {
    const json::object& record = object_of(each);
    text += "\n・" + std::string(truth(record, "needed") ? "必須" : "推奨") +
            "\n  ホスト名: " + shown(record, "name") + "\n  種別:     " + shown(record, "type") +
            "\n  値:       " + printable(field(record, "value"), 4096) + "\n";
  }
  return text +
         "\n値は1行のまま貼り付けてください。"
         "SPFは配信元サーバーの案内に従って設定してください。\n";
}

}  // namespace

std::string render_dns(const json::object& result, std::string_view format) {
  if (format == "zone") return as_zone(result);
  if (format == "ja") return in_japanese(result);
  return as_table(result);
}

}  // namespace ecrelay::control
