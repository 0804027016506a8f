#include "log/line.h"

#include <algorithm>

#include "core/escape.h"
#include "log/journal.h"
#include "log/masking.h"

namespace ecrelay::log {
namespace {

std::string quoted_json(std::string_view text) { return '"' + json_escaped(text) + '"'; }

/// logfmt: bare when nothing in it could end a value, else in quotes. printable() has doubled
/// every backslash already.
std::string logfmt_value(std::string_view text) {
  const std::string shown = printable(text);
  if (!shown.empty() && shown.find_first_of(" \"=\\") == std::string::npos) return shown;
  std::string result = "\"";
  for (const char c : shown) {
    if (c == '"') result += '\\';
    result += c;
  }
  return result + '"';
}

/// As syslog numbers them (sd-daemon(3)).
std::string priority(Level level) {
  constexpr const char* numbers[] = {"<7>", "<6>", "<4>", "<3>"};
  return numbers[static_cast<std::size_t>(level)];
}

}  // namespace

Line::Line(Event event) : event_(event) {
  Journal* current = journal();
  if (current == nullptr) return;
  current->count(event);
  if (current->tells(info(event).level)) begin(*current);
}

Line::Line(Event event, const IpAddress& client) : event_(event) {
  Journal* current = journal();
  if (current == nullptr) return;
  current->count(event);
  if (current->tells(info(event).level) && current->admits(event, client.text())) begin(*current);
}

Line::Line(Event event, const Options& options)
    : event_(event), masks_(options.mask_addresses), priorities_(options.priorities) {
  begin(options.format, options.node);
}

void Line::begin(const Journal& current) {
  masks_ = current.masks();
  priorities_ = current.priorities();
  begin(current.format(), current.node());
}

void Line::begin(Format format, std::string_view node) {
  on_ = true;
  format_ = format;
  const EventInfo& row = info(event_);
  const std::string ts = timestamp(now());
  if (format_ == Format::json) {
    add("ts", ts).add("level", to_text(row.level)).add("event", row.name);
  } else {
    text_.append(ts).append(" ").append(to_text(row.level)).append(" ").append(row.name);
  }
  add("node", node);
}

void Line::add_raw(std::string_view key, std::string_view value) {
  if (format_ == Format::json) {
    text_.append(text_.empty() ? "{" : ",").append("\"").append(key).append("\":").append(value);
  } else {
    text_.append(" ").append(key).append("=").append(value);
  }
}

Line& Line::add(std::string_view key, std::string_view value) {
  if (!on_ || value.empty()) return *this;
  // A Message-ID looks like an address and finds the mail for whoever asks about it.
  const bool mask = masks_ && key != "message_id" && value.find('@') != std::string_view::npos;
  const std::string hidden = mask ? masked(value) : std::string();
  if (mask) value = hidden;
  add_raw(key, format_ == Format::json ? quoted_json(value) : logfmt_value(value));
  return *this;
}

Line& Line::add_number(std::string_view key, std::uint64_t value) {
  if (on_) add_raw(key, std::to_string(value));
  return *this;
}

Line& Line::add_if(std::string_view key, std::uint64_t value) {
  return value == 0 ? *this : add_number(key, value);
}

std::string Line::text() const {
  std::string line = priorities_ ? priority(info(event_).level) : "";
  line += text_;
  if (format_ == Format::json) line += '}';
  return line;
}

void Line::write() const {
  if (on_) journal()->write(text());
}

}  // namespace ecrelay::log
