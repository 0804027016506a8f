#include "mail/submission.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <utility>

#include "core/escape.h"
#include "core/text.h"
#include "mail/encoded_word.h"
#include "mail/mailbox_list.h"

namespace ecrelay::mail {
namespace {

using Kind = Fault::Kind;

void check_stray_lines(const HeaderSection& header, Submission& submission) {
  const auto lines = header.stray_lines().size();
  if (lines == 0) return;
  submission.faults.push_back(
      {Kind::stray_line, "header holds " + std::to_string(lines) + " line(s) that are no field"});
}

void read_from(const HeaderSection& header, Submission& submission) {
  const auto count = header.count("From");
  if (count == 0) {
    submission.faults.push_back({Kind::missing_from, "header has no From field"});
  } else if (count > 1) {
    submission.faults.push_back({Kind::several_from, "header has more than one From field"});
  } else if (auto from = parse_mailbox_list(header.find("From")->value); from) {
    submission.from = *std::move(from);
  } else {
    submission.faults.push_back({Kind::bad_from, "header From: " + from.error().detail});
  }
}

void check_repeated_fields(const HeaderSection& header, Submission& submission) {
  constexpr std::array<std::string_view, 7> once = {"Date",     "Subject", "Message-ID", "Sender",
                                                    "Reply-To", "To",      "Cc"};
  for (const std::string_view name : once) {
    if (header.count(name) < 2) continue;
    submission.faults.push_back(
        {Kind::repeated_field, "header has more than one " + std::string(name) + " field"});
  }
}

bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_clean_utf8(std::string_view text) {
  if (!text::is_utf8(text) || std::any_of(text.begin(), text.end(), text::is_control)) return false;
  const auto points = text::code_points(text);
  return std::none_of(points.begin(), points.end(), is_disguise);
}

bool is_json_object(std::string_view text) {
  boost::json::error_code error;
  const auto value = boost::json::parse(text, error);
  return !error && value.is_object();
}

/// Each takes a valid value into the options, or says what a valid one is.
using Taken = std::optional<std::string_view>;

Taken take_key(std::string_view value, Options& options) {
  if (value.empty() || value.size() > 255 || !is_printable_ascii(value)) {
    return "must be 1 to 255 printable ASCII characters";
  }
  options.idempotency_key = value;
  return {};
}

/// Mail libraries write what is not ASCII as encoded words (Ruby's mail does it for any field).
Taken take_tag(std::string_view value, Options& options) {
  std::string tag = decode_encoded_words(value);
  if (tag.empty() || tag.size() > 128 || !is_clean_utf8(tag)) {
    return "must be 1 to 128 bytes of UTF-8 without control characters";
  }
  options.tag = std::move(tag);
  return {};
}

Taken take_metadata(std::string_view value, Options& options) {
  std::string metadata = decode_encoded_words(value);
  if (metadata.size() > 1024) return "must not be longer than 1 KiB";
  if (!is_json_object(metadata)) return "must be a JSON object";
  options.metadata = std::move(metadata);
  return {};
}

Taken take_mode(std::string_view value, Options& options) {
  if (!text::iequals(value, "sink")) return "must be sink";
  options.sink = true;
  return {};
}

Taken take_lane(std::string_view value, Options& options) {
  const bool bulk = text::iequals(value, "bulk");
  if (!bulk && !text::iequals(value, "transactional")) return "must be bulk or transactional";
  options.lane = bulk ? Lane::bulk : Lane::transactional;
  return {};
}

void read_options(const HeaderSection& header, Submission& submission) {
  using Take = Taken (*)(std::string_view, Options&);
  constexpr std::array<std::pair<std::string_view, Take>, 5> known = {
      {{"X-ECRelay-Idempotency-Key", take_key},
       {"X-ECRelay-Tag", take_tag},
       {"X-ECRelay-Metadata", take_metadata},
       {"X-ECRelay-Mode", take_mode},
       {"X-ECRelay-Lane", take_lane}}};
  for (const auto& [name, take] : known) {
    const auto count = header.count(name);
    if (count == 0) continue;
    Taken wrong = "must not be repeated";
    if (count == 1) wrong = take(unfolded(header.find(name)->value), submission.options);
    if (!wrong) continue;
    submission.faults.push_back({Kind::bad_option, std::string(name) + " " + std::string(*wrong)});
  }
}

/// The words of a Received value outside comments, up to the semicolon of its date.
std::vector<std::string_view> words_of(std::string_view received) {
  std::vector<std::string_view> words;
  std::size_t depth = 0;
  std::size_t start = 0;
  for (std::size_t at = 0; at <= received.size(); ++at) {
    const char c = at < received.size() ? received[at] : ';';
    const bool in_word = depth == 0 && c != '(' && c != ';' && c > ' ';
    if (in_word) continue;
    if (depth == 0 && at > start) words.push_back(received.substr(start, at - start));
    start = at + 1;
    if (c == '(') ++depth;
    if (c == ')' && depth > 0) --depth;
    if (c == '\\') ++at;
    if (c == ';' && depth == 0) break;
  }
  return words;
}

/// A Received field was written by this host: "by" and its name stand in a row.
bool is_written_by(std::string_view received, std::string_view hostname) {
  const auto words = words_of(received);
  const auto by_us = [hostname](std::string_view by, std::string_view name) {
    return text::iequals(by, "by") && domain_key(name) == hostname;
  };
  return std::adjacent_find(words.begin(), words.end(), by_us) != words.end();
}

void check_loop(const HeaderSection& header, std::string_view hostname, const LoopLimits& limits,
                Submission& submission) {
  const std::string own = domain_key(hostname);
  std::size_t received = 0;
  std::size_t ours = 0;
  for (const Field& field : header.fields()) {
    if (!field.is("Received")) continue;
    ++received;
    if (is_written_by(field.value, own)) ++ours;
  }
  if (received >= limits.received) {
    submission.faults.push_back({Kind::loop, "too many hops: " + std::to_string(received)});
  } else if (ours >= limits.own_name) {
    submission.faults.push_back(
        {Kind::loop, "mail loop: was here " + std::to_string(ours) + " times"});
  }
}

}  // namespace

Submission read_submission(const HeaderSection& header, std::string_view hostname,
                           const LoopLimits& limits) {
  Submission submission;
  check_stray_lines(header, submission);
  read_from(header, submission);
  check_repeated_fields(header, submission);
  read_options(header, submission);
  check_loop(header, hostname, limits, submission);
  return submission;
}

}  // namespace ecrelay::mail
