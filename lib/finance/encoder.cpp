#include "finance/encoder.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

#include "core/text.h"

namespace ecrelay::finance {
namespace {

constexpr std::string_view missing = "\x81\xac";  // 〓

/// The bytes of the well-formed character that `text` begins with.
std::size_t character_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return std::min(length, text.size());
}

}  // namespace

std::string_view text(Encoding encoding) { return encoding == Encoding::utf8 ? "utf-8" : "cp932"; }

std::optional<Encoding> parse_encoding(std::string_view text) {
  if (text == "utf-8") return Encoding::utf8;
  if (text == "cp932") return Encoding::cp932;
  return std::nullopt;
}

void Encoder::Close::operator()(void* converter) const { iconv_close(converter); }

Encoder::Encoder(Encoding encoding) {
  if (encoding == Encoding::utf8) return;
  iconv_t converter = iconv_open("CP932", "UTF-8");
  if (converter == reinterpret_cast<iconv_t>(-1))  // NOLINT: as iconv(3) has it
    throw std::runtime_error("this system cannot write cp932: install libc's gconv modules");
  converter_.reset(converter);
}

std::string Encoder::encode(std::string_view utf8) {
  std::string clean = text::is_utf8(utf8) ? std::string(utf8) : text::well_formed(utf8);
  if (!converter_ || text::is_ascii(clean)) return clean;
  std::string result;
  std::array<char, 4096> space{};
  char* in = clean.data();
  std::size_t left = clean.size();
  while (left > 0) {
    char* out = space.data();
    std::size_t room = space.size();
    const std::size_t done = iconv(converter_.get(), &in, &left, &out, &room);
    const bool stopped = done == static_cast<std::size_t>(-1) && errno != E2BIG;
    result.append(space.data(), space.size() - room);
    if (!stopped) continue;
    result += missing;
    ++replaced_;
    const std::size_t skipped = character_length(std::string_view(in, left));
    in += skipped;
    left -= skipped;
  }
  return result;
}

}  // namespace ecrelay::finance
