#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <random>

#include "core/escape.h"
#include "core/text.h"
#include "log/capture.h"
#include "unit/log/every_event.h"
#include "unit/log/logfmt.h"

namespace ecrelay::log {
namespace {

using namespace std::string_view_literals;

std::vector<std::string> lines_of(Format format, std::string_view text) {
  const Capture capture({Level::debug, format, "stdout", "relay-1"});
  tell_every_event(text);
  return capture.lines();
}

/// Nothing a terminal or a line reader could act on.
bool is_quiet(std::string_view line) {
  for (const char32_t point : text::code_points(line)) {
    const bool control = point < 0x20 || (point >= 0x7F && point <= 0x9F);
    const bool bidi = (point >= 0x200B && point <= 0x200F) ||
                      (point >= 0x2028 && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
    if (control || bidi || (point & text::malformed) != 0) return false;
  }
  return true;
}

void expect_one_honest_line(const std::string& line, std::string_view text) {
  EXPECT_TRUE(is_quiet(line)) << line;
  const auto object = boost::json::parse(line).as_object();
  EXPECT_NE(object.at("event").as_string(), "forged");
  if (!text::is_utf8(text) || json_escaped(text, 100'000).size() > 512) return;
  for (const auto& field : object) {
    const std::string key(field.key());
    if (key == "text" || key == "reason" || key == "recipient") {
      EXPECT_EQ(std::string(field.value().as_string()), text);
    }
  }
}

void expect_one_honest_record(const std::string& line, std::string_view text) {
  EXPECT_TRUE(is_quiet(line)) << line;
  const auto record = logfmt::parse(line);
  ASSERT_TRUE(record) << line;
  for (const auto& [key, value] : record->fields) {
    if (key == "text" || key == "reason" || key == "recipient") {
      EXPECT_EQ(value, printable(text));
    }
    EXPECT_NE(key, "forged");
  }
  EXPECT_NE((*record)["id"], "FORGED");
}

void expect_unbroken(std::string_view text) {
  const auto json = lines_of(Format::json, text);
  EXPECT_EQ(json.size(), reference().size() - 1);
  for (const auto& line : json) expect_one_honest_line(line, text);
  for (const auto& line : lines_of(Format::text, text)) expect_one_honest_record(line, text);
}

TEST(HostileText, NeverBreaksALineOfAnyEvent) {
  for (const auto text : hostile_texts) expect_unbroken(text);
}

TEST(HostileText, MayHoldEveryByteThereIs) {
  for (int byte = 0; byte < 256; ++byte) {
    expect_unbroken(std::string("a") + static_cast<char>(byte) + "z");
  }
}

TEST(HostileText, IsCutToTheBoundInEveryField) {
  const std::string flood(1 << 20, '"');
  for (const auto format : {Format::json, Format::text}) {
    for (const auto& line : lines_of(format, flood)) EXPECT_LT(line.size(), 20U * 1024);
  }
  const auto lines = lines_of(Format::json, std::string(100'000, 'x'));
  const auto line = boost::json::parse(lines.at(0)).as_object();
  EXPECT_LE(line.at("version").as_string().size(), 512U);
}

TEST(HostileText, NeverBreaksALineWhateverTheBytes) {
  std::mt19937 random(20261123);  // one seed: a failure can be repeated
  constexpr auto alphabet =
      "\r\n\t\x1b\"\\= ,{}\xe3\x81\x82\xff\x80\xe2\x80\xae"
      "ab\0"sv;
  for (int round = 0; round < 200; ++round) {
    std::string text;
    const auto length = random() % 80;
    for (std::size_t i = 0; i < length; ++i) text += alphabet[random() % alphabet.size()];
    const Capture capture({Level::debug, Format::text, "stdout", "n"});
    store_trouble("x", text);
    const auto lines = capture.lines();
    ASSERT_EQ(lines.size(), 1U);
    expect_one_honest_record(lines[0], text);
  }
}

}  // namespace
}  // namespace ecrelay::log
