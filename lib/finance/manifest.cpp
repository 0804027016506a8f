#include "finance/manifest.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "core/text.h"

namespace ecrelay::finance {
namespace {

namespace json = boost::json;

json::object described(const FileSummary& file) {
  json::object object;
  object["name"] = file.name;
  object["rows"] = file.rows;
  object["amount_yen"] = file.amount.exact();
  object["net_yen"] = file.net.exact();
  object["sha256"] = file.sha256;
  return object;
}

json::value text_or_null(const std::string& text) {
  if (text.empty()) return nullptr;
  return json::string(text::well_formed(text));
}

json::object described(const ManifestHead& head) {
  json::object object;
  object["month"] = to_text(head.month);
  object["node"] = text::well_formed(head.node);
  object["state"] = head.closing ? "closed" : "open";
  object["format"] = head.format.layout == Layout::json ? "json" : "csv";
  object["encoding"] = text(head.format.encoding);
  object["header"] = head.format.headings == Headings::japanese ? "ja" : "en";
  if (!head.closing) return object;
  object["closed_at"] = timestamp(head.closing->at);
  object["closed_by"] = text::well_formed(head.closing->actor);
  object["previous_sha256"] = text_or_null(head.closing->previous_sha256);
  if (!head.closing->sha256.empty()) object["month_sha256"] = head.closing->sha256;
  return object;
}

}  // namespace

std::string manifest(const ManifestHead& head, const std::vector<FileSummary>& files) {
  // A line a file, for people; nothing but this function decides the bytes.
  std::string text = json::serialize(described(head));
  text.pop_back();
  text += ",\n\"files\":[";
  for (const FileSummary& file : files)
    text += (&file == &files.front() ? "\n" : ",\n") + json::serialize(described(file));
  return text + "\n]}\n";
}

std::string manifest_name(std::chrono::year_month month) {
  std::string digits = to_text(month);
  std::erase(digits, '-');
  return "manifest-" + digits + ".json";
}

}  // namespace ecrelay::finance
