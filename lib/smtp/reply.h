#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace ecrelay::smtp {

/// An SMTP reply (RFC 5321 4.2) with the enhanced status code of RFC 2034 apart from its text.
/// As received it may hold any bytes but CR LF; log it through core/escape.h.
struct Reply {
  Reply() = default;
  /// `lines` are separated by '\n'. `enhanced` is "" or like "2.1.0".
  Reply(int reply_code, std::string enhanced_code, std::string lines);

  bool positive() const { return code / 100 == 2; }
  bool intermediate() const { return code / 100 == 3; }
  bool transient() const { return code / 100 == 4; }
  bool permanent() const { return code / 100 == 5; }

  /// The bytes to send, whatever is in the text: each line "CODE-ENHANCED TEXT\r\n" of at most
  /// 512 octets, at most 128 lines, every byte that is not printable ASCII shown as '?', so
  /// nothing can end a line or start a reply of its own. `code` must be 200 to 599.
  std::string wire() const;
  /// "550 5.1.1 User unknown" in one line, the lines joined by a space; not escaped.
  std::string line() const;

  bool operator==(const Reply&) const = default;

  int code = 0;
  std::string enhanced;
  std::string text;
};

/// Reads replies out of bytes from a peer that may be hostile. An Error is for good: the peer
/// does not speak SMTP, and what it said must not be believed (THREATS "a hostile upstream").
/// Refused: a line over 4 KiB, a reply over 128 lines or 64 KiB, bare LF or CR, NUL, codes that
/// differ between lines, anything but three digits (first 2 to 5) and a space, hyphen or line end.
/// Linear in the bytes received. Keeps at most what was received and not yet taken by next().
class ReplyParser {
 public:
  static constexpr std::size_t max_line = 4096;
  static constexpr std::size_t max_lines = 128;
  static constexpr std::size_t max_reply = 65536;

  void receive(std::string_view bytes);
  /// The next whole reply; nothing while it is incomplete; an Error (`invalid`) for ever after
  /// the first garbage.
  Result<std::optional<Reply>> next();
  /// True when no byte is waiting, not even half a reply: required at a TLS handshake.
  bool empty() const { return buffer_.size() == start_ && lines_ == 0; }

 private:
  /// A line without its CRLF, or nothing while incomplete.
  Result<std::optional<std::string_view>> next_line();
  /// True when `line` was the last one of its reply.
  Result<bool> take_line(std::string_view line);
  Error fail(const char* why);

  std::string buffer_;
  std::size_t start_ = 0;    // of what is not parsed yet
  std::size_t scanned_ = 0;  // no line end before here
  Reply reply_;              // being put together
  std::size_t lines_ = 0;
  std::size_t size_ = 0;
  std::optional<Error> failure_;
};

}  // namespace ecrelay::smtp
