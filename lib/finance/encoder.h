#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ecrelay::finance {

enum class Encoding { utf8, cp932 };

std::string_view text(Encoding encoding);  ///< "utf-8", "cp932"
std::optional<Encoding> parse_encoding(std::string_view text);

/// UTF-8 to what a file is written in. What cp932 lacks becomes 〓, the mark that Japanese
/// printers put for a missing type, and is counted: it is never silently lost. Of the cp932 of
/// Windows, so ①, ㈱ and 髙 are in it.
class Encoder {
 public:
  explicit Encoder(Encoding encoding);

  std::string encode(std::string_view utf8);
  std::uint64_t replaced() const { return replaced_; }

 private:
  struct Close {
    void operator()(void* converter) const;
  };
  std::unique_ptr<void, Close> converter_;  ///< null for UTF-8
  std::uint64_t replaced_ = 0;
};

}  // namespace ecrelay::finance
