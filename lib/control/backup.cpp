#include "control/backup.h"

#include <boost/json/array.hpp>

#include "config/loader.h"
#include "control/fields.h"
#include "control/json.h"
#include "core/escape.h"
#include "store/backup.h"
#include "store/failure.h"
#include "store/spool.h"

namespace ecrelay::control {

namespace json = boost::json;

Reply back_up(const std::filesystem::path& config, const std::string& folder) {
  const config::LoadOutcome loaded = config::load(config);
  if (!loaded.settings) return Fault(FaultCode::configuration, loaded.errors.front().text());
  store::BackupReport report;
  try {
    report = store::back_up(loaded.settings->state_dir.string(), folder);
  } catch (const store::Failure& failure) {
    return Fault(FaultCode::cannot_write, failure.what());
  }
  json::array missing;
  for (const std::uint64_t number : report.segments_missing)
    missing.emplace_back(store::Spool::name(number));
  json::object result;
  result["folder"] = json_text(std::filesystem::absolute(folder).string());
  result["book_bytes"] = report.book_bytes;
  result["segments"] = report.segments;
  result["spool_bytes"] = report.spool_bytes;
  result["archive_bytes"] = report.archive_bytes;
  result["queued"] = report.queued;
  result["held"] = report.held;
  result["missing"] = std::move(missing);
  return result;
}

std::string render_backup(const json::object& result) {
  std::string text = "copied to " + shown(result, "folder") + ": book of " +
                     shown(result, "book_bytes") + " bytes, " + shown(result, "segments") +
                     " spool segments of " + shown(result, "spool_bytes") + " bytes, archives of " +
                     shown(result, "archive_bytes") + " bytes; " + shown(result, "queued") +
                     " recipients queued and " + shown(result, "held") + " held in it\n";
  for (const json::value& each : list(result, "missing"))
    text += "MISSING in the original: " + printable(std::string(each.as_string()), 64) + "\n";
  return text;
}

}  // namespace ecrelay::control
