#include "log/masking.h"

#include <algorithm>

namespace ecrelay::log {
namespace {

constexpr std::string_view ends_local_part = " \t<>()[],;:\"'=";

/// Where the local part that ends before `at` begins.
std::size_t local_part_of(std::string_view text, std::size_t at) {
  if (at > 0 && text[at - 1] == '"') {
    const auto opening = text.substr(0, at - 1).rfind('"');
    if (opening != std::string_view::npos) return opening;
  }
  const auto before = text.substr(0, at).find_last_of(ends_local_part);
  return before == std::string_view::npos ? 0 : before + 1;
}

/// The first character, which may be several bytes of UTF-8.
std::string_view first_character(std::string_view text) {
  std::size_t length = 1;
  while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U)
    ++length;
  return text.substr(0, length);
}

}  // namespace

std::string masked(std::string_view text) {
  std::string result;
  std::size_t done = 0;
  for (auto at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    const std::size_t begin = std::max(done, local_part_of(text, at));
    if (begin == at) continue;
    result.append(text.substr(done, begin - done));
    result.append(first_character(text.substr(begin, at - begin))).append("***");
    done = at;
  }
  return result.append(text.substr(done));
}

}  // namespace ecrelay::log
