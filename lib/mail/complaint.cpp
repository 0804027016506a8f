#include "mail/complaint.h"

#include <boost/json/object.hpp>
#include <boost/json/stream_parser.hpp>

#include <optional>

#include "core/text.h"
#include "mail/status_fields.h"

namespace ecrelay::mail {
namespace {

namespace json = boost::json;

constexpr std::size_t most_results = 100;

void add_recipient(Report& report, std::string address) {
  if (report.results.size() >= most_results) return;
  Reported result;
  result.recipient = std::move(address);
  report.results.push_back(std::move(result));
}

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

const json::object* object_at(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr ? found->if_object() : nullptr;
}

/// Long lines of JSON were folded on the way, inside its strings too.
std::string without_folds(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\n') {
      result += text[at];
    } else if (at + 1 < text.size() && text[at + 1] == ' ') {
      ++at;
    }
  }
  return result;
}

/// The first JSON object of a text: a mail may have a footer behind it.
std::optional<json::object> object_in(std::string_view folded) {
  const std::string text = without_folds(folded);
  const auto begin = text.find('{');
  if (begin == std::string_view::npos) return {};
  json::stream_parser parser;
  boost::system::error_code error;
  const std::string_view body = std::string_view(text).substr(begin);
  parser.write_some(body.data(), body.size(), error);
  if (error || !parser.done()) return {};
  json::value value = parser.release();
  if (!value.is_object()) return {};
  return std::move(value.as_object());
}

void read_recipients(const json::object& from, std::string_view key, std::string_view action,
                     Report& report) {
  const json::value* list = from.if_contains(key);
  if (list == nullptr || !list->is_array()) return;
  for (const json::value& each : list->as_array()) {
    Reported result;
    result.action = action;
    if (const json::object* recipient = each.if_object()) {
      result.recipient = address_in(text_at(*recipient, "emailAddress"));
      result.status = text_at(*recipient, "status");
      result.diagnostic = text_at(*recipient, "diagnosticCode");
    } else if (each.is_string()) {
      result.recipient = address_in(std::string_view(each.as_string()));
    }
    if (result.diagnostic.empty()) result.diagnostic = text_at(from, "smtpResponse");
    take_codes(result, result.diagnostic);
    if (report.results.size() < most_results) report.results.push_back(std::move(result));
  }
}

}  // namespace

Report read_complaint(std::string_view feedback, std::string_view original) {
  Report report;
  report.kind = ReportKind::arf;
  for (const LooseField& field : loose_fields(feedback)) {
    if (field.name == "feedback-type") report.feedback_type = text::lowered(field.value);
    if (field.name == "original-rcpt-to" || field.name == "removal-recipient")
      add_recipient(report, address_in(field.value));
  }
  if (report.results.empty()) {
    const auto header = loose_fields(original.substr(0, original.find("\n\n")));
    // Hotmail's programme names the recipient in the returned message only.
    auto recipient = address_in(value_of(header, "x-hmxmroriginalrecipient"));
    if (recipient.empty()) recipient = address_in(value_of(header, "to"));
    add_recipient(report, std::move(recipient));
  }
  if (report.feedback_type.empty()) report.feedback_type = "abuse";
  return report;
}

Report read_notification(std::string_view text) {
  Report report;
  auto notice = object_in(text);
  if (!notice) return report;
  if (const std::string inner = text_at(*notice, "Message"); !inner.empty()) {
    notice = object_in(inner);
    if (!notice) return report;
  }
  const std::string type = text_at(*notice, "notificationType") + text_at(*notice, "eventType");
  if (const json::object* bounce = object_at(*notice, "bounce"); bounce && type == "Bounce") {
    report.kind = ReportKind::nonstandard;
    read_recipients(*bounce, "bouncedRecipients", "failed", report);
  } else if (const json::object* done = object_at(*notice, "delivery");
             done && type == "Delivery") {
    report.kind = ReportKind::nonstandard;
    read_recipients(*done, "recipients", "delivered", report);
  } else if (const json::object* told = object_at(*notice, "complaint");
             told && type == "Complaint") {
    report.kind = ReportKind::arf;
    report.feedback_type = text::lowered(text_at(*told, "complaintFeedbackType"));
    if (report.feedback_type.empty()) report.feedback_type = "abuse";
    read_recipients(*told, "complainedRecipients", "", report);
  }
  return report;
}

}  // namespace ecrelay::mail
