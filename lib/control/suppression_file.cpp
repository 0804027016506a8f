#include "control/suppression_file.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <utility>

#include "control/arguments.h"
#include "control/criteria.h"
#include "control/fields.h"
#include "control/json.h"
#include "core/escape.h"
#include "core/text.h"
#include "log/events.h"
#include "store/audit.h"
#include "store/suppression.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;
using records::SuppressionEntry;

constexpr std::size_t most_of_a_file = 512U << 20;
constexpr std::size_t longest_line = 4096;
/// A request is at most 1 MiB (wire.h), and JSON may write a byte as six.
constexpr std::size_t most_of_a_request = 100U << 10;
constexpr std::size_t exported_at_once = 2000;
constexpr std::size_t most_told = 100;

/// The cells of a line (RFC 4180, one line an entry); nothing when a quote does not end.
std::optional<std::vector<std::string>> cells_of(std::string_view line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (quoted && c == '"' && at + 1 < line.size() && line[at + 1] == '"') {
      cells.back() += '"';
      ++at;
    } else if (c == '"' && (quoted || cells.back().empty())) {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  if (quoted) return std::nullopt;
  return cells;
}

std::string cell(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    // An entry is a line, whatever its evidence says.
    quoted += text::is_control(c) ? ' ' : c;
    if (c == '"') quoted += '"';
  }
  return quoted + '"';
}

struct Importing {
  std::vector<SuppressionEntry> entries;
  records::AuditRow audit;
};

void write(Importing& importing, store::Transaction& change) {
  for (SuppressionEntry& entry : importing.entries) entry.id = store::suppress(change, entry);
  store::audit(change, importing.audit);
}

Reply tell(const Importing& importing, const Ports& ports) {
  for (const SuppressionEntry& entry : importing.entries) ports.suppression_changed(entry.key);
  tell_log(importing.audit);
  json::object answer;
  answer["imported"] = importing.entries.size();
  return answer;
}

/// A file as it was read: its good lines, how many of which reason, and every bad one.
struct Lines {
  std::string file;
  std::vector<std::string> good;
  std::vector<std::size_t> numbers;  ///< of the good ones
  std::map<std::string, std::size_t> reasons;
  std::string problems;
  std::size_t bad = 0;
  std::size_t listed = 0;  ///< of the good ones: there is an open entry already

  void complain(std::size_t number, const std::string& what) {
    if (++bad > most_told) return;
    problems += (problems.empty() ? "" : "\n") + printable(file, 255) + ":" +
                std::to_string(number) + ": " + what;
  }
  std::string all_problems() const {
    return bad > most_told ? problems + "\nand " + std::to_string(bad - most_told) + " more"
                           : problems;
  }
};

void read_line(Lines& lines, std::string_view line, std::size_t number) {
  const auto entry = read_entry_line(line, now());
  if (!entry) return lines.complain(number, entry.error().detail);
  lines.good.emplace_back(line);
  lines.numbers.push_back(number);
  ++lines.reasons[entry->reason];
}

Lines lines_in(const std::string& text, const std::string& file) {
  Lines lines;
  lines.file = file;
  std::size_t number = 0;
  std::string_view rest = text;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  for (const std::string_view each : text::split(rest, '\n')) {
    const std::string_view line = text::trimmed(each);
    if (++number == 1 && text::istarts_with(line, "address")) continue;
    if (!line.empty()) read_line(lines, line, number);
  }
  return lines;
}

std::optional<std::string> contents(const std::string& file) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in || in.tellg() < 0 || static_cast<std::size_t>(in.tellg()) > most_of_a_file) return {};
  std::string text(static_cast<std::size_t>(in.tellg()), '\0');
  in.seekg(0);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in) return {};
  return text;
}

Consultation ask(const Whereabouts& place, std::string command, json::object arguments) {
  Request request;
  request.command = std::move(command);
  request.arguments = std::move(arguments);
  return consult(place, request, {});
}

json::object counts_of(const Lines& lines, bool imported) {
  json::object reasons;
  for (const auto& [reason, count] : lines.reasons) reasons[reason] = count;
  json::object answer;
  answer["entries"] = lines.good.size();
  answer["listed"] = lines.listed;
  answer["reasons"] = std::move(reasons);
  answer["imported"] = imported;
  return answer;
}

/// Asks the daemon `command` about the good lines from `at` on, as many as a request holds, and
/// moves `at` behind them.
Consultation ask_piece(const Whereabouts& place, const std::string& command, const Lines& lines,
                       std::size_t& at, const std::string& reason) {
  std::vector<std::string> piece;
  for (std::size_t bytes = 0; at < lines.good.size() && bytes < most_of_a_request; ++at) {
    bytes += lines.good[at].size() + 4;
    piece.push_back(lines.good[at]);
  }
  json::object arguments;
  arguments["rows"] = json_list(piece);
  if (!reason.empty()) arguments["reason"] = json_text(reason);
  return ask(place, command, std::move(arguments));
}

/// What only the daemon knows of the lines: shops, and who is listed already. Nothing when it could
/// be asked.
std::optional<Consultation> check(const Whereabouts& place, Lines& lines) {
  for (std::size_t at = 0; at < lines.good.size();) {
    const std::size_t first = at;
    Consultation told = ask_piece(place, "suppression.import.check", lines, at, {});
    const auto* found = std::get_if<json::object>(&told.reply);
    if (found == nullptr) return told;
    for (const json::value& each : list(*found, "wrong")) {
      const json::object& wrong = object_of(each);
      const auto row = wrong.at("row").to_number<std::size_t>();
      lines.complain(lines.numbers.at(first + row), shown(wrong, "text"));
    }
    lines.listed += found->at("listed").to_number<std::size_t>();
  }
  return std::nullopt;
}

}  // namespace

bool is_reason(std::string_view reason) {
  static constexpr auto reasons = std::to_array<std::string_view>(
      {"hard", "domain", "soft-count", "complaint", "unsubscribe", "manual"});
  return std::find(reasons.begin(), reasons.end(), reason) != reasons.end();
}

std::optional<std::string> fault_of(const SuppressionEntry& entry) {
  if (entry.reason != "complaint" && entry.reason != "unsubscribe") return std::nullopt;
  if (entry.shop.empty()) return entry.reason + " is one shop's: name the shop";
  if (entry.expires_at) return entry.reason + " does not end: leave the time out";
  return std::nullopt;
}

Result<SuppressionEntry> read_entry_line(std::string_view line, TimePoint now) {
  if (line.size() > longest_line) return invalid("the line is longer than 4096 bytes");
  auto cells = cells_of(line);
  if (!cells) return invalid("a quote does not end");
  if (cells->size() > 5)
    return invalid("more than five columns: " + std::string(entry_header) +
                   "; put quotes around a text with commas");
  cells->resize(5);
  const auto address = typed_address((*cells)[0]);
  if (!address) return invalid("'" + printable((*cells)[0], 64) + "': " + address.error().detail);
  SuppressionEntry entry;
  entry.key = address->key();
  entry.address = address->text();
  entry.shop = (*cells)[1];
  entry.reason = (*cells)[2].empty() ? "manual" : (*cells)[2];
  if (!is_reason(entry.reason))
    return invalid("'" + printable(entry.reason, 64) +
                   "' is no reason: hard, domain, soft-count, complaint, unsubscribe or manual");
  if (!(*cells)[3].empty()) {
    entry.expires_at = parse_timestamp((*cells)[3]);
    if (!entry.expires_at)
      return invalid("'" + printable((*cells)[3], 64) + "' is no time like 2026-11-23");
    if (*entry.expires_at <= now) return invalid("until " + (*cells)[3] + " is over");
  }
  if (const auto fault = fault_of(entry)) return invalid(*fault);
  entry.evidence = (*cells)[4];
  entry.since = now;
  return entry;
}

std::string entry_line(const SuppressionEntry& entry) {
  return cell(entry.address) + ',' + cell(entry.shop) + ',' + entry.reason + ',' +
         (entry.expires_at ? timestamp(*entry.expires_at) : "") + ',' + cell(entry.evidence);
}

Result<Change> plan_import(const Question& question, const Caller& caller) {
  Arguments given(question.arguments);
  const std::vector<std::string> rows = given.texts("rows");
  const std::string reason = reason_in(given);
  if (auto wrong = given.problem()) return *wrong;
  auto importing = std::make_shared<Importing>();
  importing->audit = audit_row("suppression import", question, caller);
  importing->audit.target = "suppression list";
  importing->audit.reason = reason;
  importing->audit.detail = std::to_string(rows.size()) + " entries";
  for (const std::string& row : rows) {
    auto entry = read_entry_line(row, question.now);
    if (!entry) return entry.error();
    if (!entry->shop.empty()) {
      if (auto unknown = unknown_shop(entry->shop, question.settings)) return *unknown;
    }
    entry->actor = importing->audit.actor;
    if (entry->evidence.empty()) entry->evidence = reason;
    importing->entries.push_back(std::move(*entry));
  }
  Change change;
  change.work = [importing](store::Transaction& book) { write(*importing, book); };
  change.done = [importing](const Ports& ports) { return tell(*importing, ports); };
  return change;
}

Result<json::object> check_import(const Question& question) {
  Arguments given(question.arguments);
  const std::vector<std::string> rows = given.texts("rows");
  if (auto wrong = given.problem()) return *wrong;
  json::array wrong;
  std::size_t listed = 0;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto entry = read_entry_line(rows[row], question.now);
    std::optional<Error> fault;
    if (!entry) fault = entry.error();
    if (entry && !entry->shop.empty()) fault = unknown_shop(entry->shop, question.settings);
    if (fault) {
      json::object each;
      each["row"] = row;
      each["text"] = json_text(fault->detail);
      wrong.push_back(std::move(each));
      continue;
    }
    const auto open = question.book.suppressions(entry->key);
    listed += std::any_of(open.begin(), open.end(),
                          [&](const SuppressionEntry& each) { return each.shop == entry->shop; });
  }
  json::object answer;
  answer["wrong"] = std::move(wrong);
  answer["listed"] = listed;
  return answer;
}

Result<json::object> export_entries(const Question& question) {
  Arguments given(question.arguments);
  const auto key = given.text("after_key");
  const auto shop = given.text("after_shop");
  if (auto wrong = given.problem()) return *wrong;
  const auto entries =
      question.book.suppressions_after(key.value_or(""), shop.value_or(""), exported_at_once);
  std::vector<std::string> lines;
  for (const SuppressionEntry& entry : entries) {
    const bool over = entry.expires_at && *entry.expires_at <= question.now;
    if (!over && !entry.dry_run) lines.push_back(entry_line(entry));
  }
  json::object answer;
  answer["lines"] = json_list(lines);
  answer["more"] = entries.size() == exported_at_once;
  if (!entries.empty()) {
    answer["after_key"] = json_text(entries.back().key);
    answer["after_shop"] = json_text(entries.back().shop);
  }
  return answer;
}

Consultation import_file(const Whereabouts& place, const Import& wanted) {
  const auto text = contents(wanted.file);
  if (!text) {
    return {Fault(FaultCode::invalid, printable(wanted.file, 255) + " cannot be read"), {}, false};
  }
  Lines lines = lines_in(*text, wanted.file);
  if (auto trouble = check(place, lines)) return std::move(*trouble);
  if (lines.bad > 0) {
    const std::string told =
        lines.all_problems() + "\nnothing was imported: mend or remove these lines";
    return {Fault(FaultCode::invalid, told), {}, false};
  }
  if (wanted.dry_run) return {counts_of(lines, false), {}, false};
  for (std::size_t at = 0; at < lines.good.size();) {
    const std::size_t first = at;
    Consultation done = ask_piece(place, "suppression.import", lines, at, wanted.reason);
    if (std::holds_alternative<Fault>(done.reply)) {
      done.notes.push_back(std::to_string(first) + " of " + std::to_string(lines.good.size()) +
                           " entries were imported; to import an entry twice does no harm");
      return done;
    }
  }
  return {counts_of(lines, true), {}, false};
}

Consultation export_file(const Whereabouts& place,
                         const std::function<bool(const std::string&)>& write) {
  std::string text = std::string(entry_header) + "\r\n";
  json::object arguments;
  for (;;) {
    Consultation done = ask(place, "suppression.export", arguments);
    if (std::holds_alternative<Fault>(done.reply)) return done;
    const auto& result = std::get<json::object>(done.reply);
    for (const json::value& line : list(result, "lines"))
      text += std::string(line.as_string()) + "\r\n";
    if (!write(text)) return {Fault(FaultCode::cannot_write, "cannot write the file"), {}, false};
    text.clear();
    if (!truth(result, "more")) return {json::object(), std::move(done.notes), false};
    arguments["after_key"] = field(result, "after_key");
    arguments["after_shop"] = field(result, "after_shop");
  }
}

std::string render_import(const json::object& result) {
  std::string text = shown(result, "entries") + " entries" +
                     (truth(result, "imported") ? " imported" : " would be imported") + ":";
  for (const auto& each : part(result, "reasons"))
    text += " " + printable(each.key(), 32) + " " + field(part(result, "reasons"), each.key());
  text += "\n";
  if (const std::string listed = shown(result, "listed"); listed != "0")
    text += listed + " of them are listed already: the entry of more weight stays\n";
  return text;
}

}  // namespace ecrelay::control
