#include "mail/charset.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "core/text.h"

namespace ecrelay::mail {
namespace {

struct Charset {
  std::string_view label;
  const char* name;  ///< of iconv(3)
};

constexpr auto charsets = std::to_array<Charset>({
    {"utf-8", "UTF-8"},
    {"utf8", "UTF-8"},
    {"us-ascii", "ASCII"},
    {"iso-2022-jp", "CP932"},
    {"iso-2022-jp-ms", "CP932"},
    {"cp50220", "CP932"},
    {"cp50221", "CP932"},
    {"shift_jis", "CP932"},
    {"shift-jis", "CP932"},
    {"sjis", "CP932"},
    {"x-sjis", "CP932"},
    {"cp932", "CP932"},
    {"ms932", "CP932"},
    {"windows-31j", "CP932"},
    {"euc-jp", "EUC-JP-MS"},
    {"x-euc-jp", "EUC-JP-MS"},
    {"cp51932", "EUC-JP-MS"},
    {"eucjp-ms", "EUC-JP-MS"},
    {"iso-8859-1", "CP1252"},
    {"iso-8859-2", "ISO-8859-2"},
    {"iso-8859-5", "ISO-8859-5"},
    {"iso-8859-7", "ISO-8859-7"},
    {"iso-8859-9", "CP1254"},
    {"iso-8859-15", "ISO-8859-15"},
    {"windows-1250", "CP1250"},
    {"windows-1251", "CP1251"},
    {"windows-1252", "CP1252"},
    {"windows-1254", "CP1254"},
    {"windows-1257", "CP1257"},
    {"koi8-r", "KOI8-R"},
    {"koi8-u", "KOI8-U"},
    {"gb2312", "GB18030"},
    {"gbk", "GB18030"},
    {"gb18030", "GB18030"},
    {"big5", "BIG5"},
    {"euc-kr", "UHC"},
    {"ks_c_5601-1987", "UHC"},
    {"tis-620", "TIS-620"},
});

const Charset* find(std::string_view label) {
  const auto found = std::find_if(charsets.begin(), charsets.end(), [label](const Charset& known) {
    return text::iequals(known.label, label);
  });
  return found == charsets.end() ? nullptr : &*found;
}

bool is_iso_2022(std::string_view label) {
  return text::istarts_with(label, "iso-2022-jp") || text::istarts_with(label, "cp5022");
}

/// A character of JIS X 0208 (rows and cells from 0x21) as Shift_JIS has it.
std::string shifted(unsigned row, unsigned cell) {
  row -= 0x20;
  cell -= 0x20;
  const unsigned lead = (row - 1) / 2 + (row <= 62 ? 0x81 : 0xC1);
  const unsigned trail = row % 2 == 0 ? cell + 0x9E : cell + 0x3F + (cell >= 64 ? 1 : 0);
  return {static_cast<char>(static_cast<unsigned char>(lead)),
          static_cast<char>(static_cast<unsigned char>(trail))};
}

/// Reads ISO-2022-JP into CP932. iconv's own reader knows neither half-width kana nor the
/// vendors' rows, which Shift_JIS holds at the places that row arithmetic gives.
class Iso2022Reader {
 public:
  std::string read(std::string_view bytes) {
    for (std::size_t at = 0; at < bytes.size();) at += take(bytes.substr(at));
    return std::move(shift_jis_);
  }

 private:
  enum class Set { ascii, kana, kanji, unknown };
  struct Escape {
    std::string_view sequence;
    Set set;
  };

  /// Takes what is in front and says how long it was.
  std::size_t take(std::string_view rest) {
    constexpr auto escapes = std::to_array<Escape>({
        {"\x1B(B", Set::ascii},
        {"\x1B(J", Set::ascii},
        {"\x1B(I", Set::kana},
        {"\x1B$@", Set::kanji},
        {"\x1B$B", Set::kanji},
        {"\x1B$(D", Set::unknown},
        {"\x0E", Set::kana},
        {"\x0F", Set::ascii},
    });
    for (const Escape& escape : escapes) {
      if (!rest.starts_with(escape.sequence)) continue;
      set_ = escape.set;
      return escape.sequence.size();
    }
    return take_character(rest);
  }

  std::size_t take_character(std::string_view rest) {
    const auto is_graphic = [](char c) { return c > ' ' && c < 0x7F; };
    const char c = rest.front();
    const bool is_pair = rest.size() > 1 && is_graphic(c) && is_graphic(rest[1]);
    if (set_ == Set::kanji && is_pair) {
      shift_jis_ += shifted(static_cast<unsigned char>(c), static_cast<unsigned char>(rest[1]));
      return 2;
    }
    if (set_ == Set::kana && is_graphic(c)) {
      shift_jis_ += static_cast<char>(static_cast<unsigned char>(c) | 0x80U);
    } else {
      constexpr char not_shift_jis = '\xFF';
      shift_jis_ += set_ == Set::unknown ? not_shift_jis : c;
    }
    return 1;
  }

  Set set_ = Set::ascii;
  std::string shift_jis_;
};

constexpr std::string_view bad_byte = "\xEF\xBF\xBD";  // U+FFFD

std::string ascii_only(std::string_view bytes) {
  std::string result;
  for (const char c : bytes) {
    result += static_cast<unsigned char>(c) < 0x80 ? std::string_view(&c, 1) : bad_byte;
  }
  return result;
}

/// iconv(3) from one charset to UTF-8.
class Converter {
 public:
  explicit Converter(const char* name) : handle_(iconv_open("UTF-8", name)) {}
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  ~Converter() {
    if (is_open()) iconv_close(handle_);
  }

  /// False where the system lacks the converter's module.
  bool is_open() const { return handle_ != reinterpret_cast<iconv_t>(-1); }

  std::string convert(std::string bytes) {
    char* next = bytes.data();
    std::size_t left = bytes.size();
    std::string result;
    while (left > 0) {
      std::array<char, 1024> buffer;
      char* end = buffer.data();
      std::size_t room = buffer.size();
      const auto outcome = iconv(handle_, &next, &left, &end, &room);
      const int reason = outcome == static_cast<std::size_t>(-1) ? errno : 0;
      result.append(buffer.data(), buffer.size() - room);
      if (reason == EILSEQ || reason == EINVAL) {
        result += bad_byte;
        ++next;
        --left;
      }
    }
    return result;
  }

 private:
  iconv_t handle_;
};

}  // namespace

bool is_known_charset(std::string_view charset) { return find(charset) != nullptr; }

std::string to_utf8(std::string_view charset, std::string_view bytes) {
  const Charset* known = find(charset);
  if (known == nullptr) return ascii_only(bytes);
  Converter converter(known->name);
  if (!converter.is_open()) return ascii_only(bytes);
  // glibc passes UTF-8 beyond U+10FFFF.
  return text::well_formed(
      converter.convert(is_iso_2022(charset) ? Iso2022Reader().read(bytes) : std::string(bytes)));
}

}  // namespace ecrelay::mail
