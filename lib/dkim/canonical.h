#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace ecrelay::dkim {

/// SHA-256 of what is added; 32 raw bytes.
class Digest {
 public:
  Digest();
  void add(std::string_view bytes);
  std::string finish();  ///< once

 private:
  std::shared_ptr<evp_md_ctx_st> context_;
};

/// A header field by the relaxed rules (RFC 6376 3.4.2), without its CRLF: name in lower case,
/// unfolded, white space runs become one space, none around the value.
std::string relaxed_field(std::string_view name, std::string_view value);

/// The body hash of the relaxed rules (RFC 6376 3.4.4), as the body streams in; cut anywhere.
class BodyHash {
 public:
  void add(std::string_view piece);
  std::string finish();  ///< 32 raw bytes; once

 private:
  void add_text(std::string_view text);
  void end_line();
  void put(std::string_view bytes);

  Digest digest_;
  std::string canonical_;        // waits for the digest: hashing byte by byte is slow
  std::size_t empty_lines_ = 0;  // counted only when text follows: those at the end do not count
  bool space_ = false;           // white space seen that counts only when text follows in its line
  bool line_begun_ = false;
  bool carriage_return_ = false;  // the last byte was CR
};

}  // namespace ecrelay::dkim
