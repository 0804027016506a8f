#include "control/json.h"

#include <boost/json/serialize.hpp>

#include "core/escape.h"
#include "core/text.h"

namespace ecrelay::control {
namespace {

std::string hex_byte(unsigned char byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  return {digits[byte >> 4], digits[byte & 0xF]};
}

/// The bytes of a code point in UTF-8.
std::size_t length_of(char32_t point) {
  if (point < 0x80 || (point & text::malformed) != 0) return 1;
  return point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

}  // namespace

boost::json::string json_text(std::string_view text) {
  if (text::is_utf8(text)) return boost::json::string(text);
  boost::json::string result;
  std::size_t at = 0;
  for (const char32_t point : text::code_points(text)) {
    const std::string_view bytes = text.substr(at, length_of(point));
    at += bytes.size();
    if ((point & text::malformed) == 0) {
      result.append(bytes);
    } else {
      result.append("\\x" + hex_byte(static_cast<unsigned char>(bytes.front())));
    }
  }
  return result;
}

boost::json::array json_list(const std::vector<std::string>& texts) {
  boost::json::array list;
  for (const std::string& text : texts) list.emplace_back(json_text(text));
  return list;
}

boost::json::value json_time(const std::optional<TimePoint>& at) {
  if (!at) return nullptr;
  return boost::json::string(timestamp(*at));
}

std::string serialized(const boost::json::object& object) {
  const std::string plain = boost::json::serialize(object);
  std::string result;
  result.reserve(plain.size());
  std::size_t at = 0;
  // Beyond ASCII there is nothing but strings in JSON, so escaping there keeps the meaning.
  for (const char32_t point : text::code_points(plain)) {
    const std::string_view bytes = std::string_view(plain).substr(at, length_of(point));
    at += bytes.size();
    result += point == 0x7F || is_disguise(point) ? json_escaped(bytes) : std::string(bytes);
  }
  return result;
}

}  // namespace ecrelay::control
