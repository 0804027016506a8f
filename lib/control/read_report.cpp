#include "control/read_report.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <fstream>
#include <iostream>
#include <istream>
#include <vector>

#include "config/loader.h"
#include "control/fields.h"
#include "control/json.h"
#include "control/table.h"
#include "core/escape.h"
#include "core/text.h"
#include "mail/report.h"
#include "policy/suppression_rule.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;

constexpr std::size_t most_bytes = 256U << 20;

std::string all_of(std::istream& in) {
  std::string bytes;
  std::array<char, 64U << 10> block{};
  while (bytes.size() < most_bytes && in) {
    in.read(block.data(), block.size());
    bytes.append(block.data(), static_cast<std::size_t>(in.gcount()));
  }
  return bytes;
}

/// "From user Thu Jan …": what stands between the mails of an mbox file, behind an empty line.
bool separates(std::string_view line) {
  constexpr std::string_view days = "|Mon|Tue|Wed|Thu|Fri|Sat|Sun|";
  if (!line.starts_with("From ")) return false;
  const auto words = text::split(line, ' ');
  for (std::size_t i = 2; i < words.size(); ++i) {
    if (words[i].size() == 3) return days.find('|' + std::string(words[i]) + '|') != days.npos;
  }
  return false;
}

std::vector<std::string_view> mails_in(std::string_view bytes) {
  std::vector<std::string_view> mails;
  std::size_t begin = 0;
  if (bytes.starts_with("From ")) {
    for (auto at = bytes.find("\nFrom "); at != std::string_view::npos;
         at = bytes.find("\nFrom ", at + 1)) {
      const auto before = bytes.substr(0, at);
      const std::string_view line = bytes.substr(at + 1, bytes.find('\n', at + 1) - at - 1);
      if (!(before.ends_with('\n') || before.ends_with("\n\r")) || !separates(line)) continue;
      mails.push_back(bytes.substr(begin, at - begin));
      begin = at + 1;
    }
  }
  mails.push_back(bytes.substr(begin));
  return mails;
}

json::object to_json(const mail::Report& report, const mail::Reported& result,
                     const policy::OperatorRules& own) {
  const policy::Suppression decision = policy::suppression_for(report, result, own);
  json::object object;
  object["recipient"] = json_text(result.recipient);
  object["original_recipient"] = json_text(result.original_recipient);
  object["action"] = json_text(result.action);
  object["status"] = json_text(result.status);
  object["reply"] = json_text(result.reply);
  object["kind"] = mail::to_text(report.kind);
  object["decision"] = policy::to_text(decision.effect);
  object["reason"] = decision.reason;
  return object;
}

}  // namespace

Reply read_report_file(const std::string& file, const Whereabouts& place) {
  const config::LoadOutcome loaded = config::load(place.config);
  if (!loaded.settings && place.config_named) return broken_configuration(loaded);
  policy::OperatorRules own;
  if (loaded.settings) own = policy::operator_rules(loaded.settings->suppression.rules);
  std::string bytes;
  if (file == "-") {
    bytes = all_of(std::cin);
  } else {
    std::ifstream in(file, std::ios::binary);
    if (in) bytes = all_of(in);
    if (!in.eof() && bytes.size() < most_bytes) {
      return Fault(FaultCode::invalid, printable(file) +
                                           " cannot be read; give a file with a mail, "
                                           "or - for standard input");
    }
  }
  json::array results;
  for (const std::string_view mail : mails_in(bytes)) {
    const mail::Report report = mail::read_report(mail);
    for (const mail::Reported& each : report.results) results.push_back(to_json(report, each, own));
  }
  json::object answer;
  answer["results"] = std::move(results);
  return answer;
}

std::string report_lines(const json::object& result) {
  std::string lines;
  for (const json::value& each : list(result, "results")) lines += json::serialize(each) + "\n";
  return lines;
}

std::string render_report(const json::object& result) {
  Table table({{"RECIPIENT", Align::left, 48},
               {"ORIGINAL", Align::left, 32},
               {"ACTION"},
               {"STATUS"},
               {"REPLY"},
               {"KIND"},
               {"DECISION"},
               {"REASON"}});
  for (const json::value& each : list(result, "results")) {
    const json::object& row = object_of(each);
    table.add({field(row, "recipient"), field(row, "original_recipient"), field(row, "action"),
               field(row, "status"), field(row, "reply"), field(row, "kind"),
               field(row, "decision"), field(row, "reason")});
  }
  return table.empty() ? "this is no report: nothing would follow from it\n" : table.text();
}

}  // namespace ecrelay::control
