#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

/// Results as people read them. Every text from outside is escaped, so nothing in a mail or a
/// reply can break a line or move the cursor.
namespace ecrelay::control {

std::string render(std::string_view command, const boost::json::object& result);

std::string render_status(const boost::json::object& result);
std::string render_trace(const boost::json::object& result);
std::string render_message(const boost::json::object& message);

/// month.status, month.check, month.close, month.export, month.verify, ledger.search,
/// ledger.reverse, reconcile and usage.
std::string render_months(const boost::json::object& result);
std::string render_checks(const boost::json::object& result);
std::string render_closed(const boost::json::object& result);
std::string render_export(const boost::json::object& result);
std::string render_ledger(const boost::json::object& result);
std::string render_archived(const boost::json::object& result);
std::string render_reversal(const boost::json::object& result);
std::string render_adjustment(const boost::json::object& result);
std::string render_usage(const boost::json::object& result);

/// suppression.show in plain words, "en" or "ja".
std::string render_suppression(const boost::json::object& result, std::string_view language);
std::string render_suppressions(const boost::json::object& result);
std::string render_added(const boost::json::object& entry);
std::string render_cleared(const boost::json::object& result);
std::string render_clear_preview(const boost::json::object& result);
std::string render_parked(const boost::json::object& result);
std::string render_decided(const boost::json::object& result);
std::string render_history(const boost::json::object& result);

/// How `dns show` shows: as a table, as lines for a zone file (TXT cut into strings of at most
/// 255 bytes, advice in comments), or as a letter in Japanese.
std::string render_dns(const boost::json::object& result, std::string_view format);
/// To the shop or whoever has its DNS: what to set, or what the operator sets for it.
std::string render_dns_letter(const boost::json::object& result);
std::string render_dns_check(const boost::json::object& result);

}  // namespace ecrelay::control
