#include "dkim/canonical.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "core/text.h"

namespace ecrelay::dkim {

namespace {
constexpr std::string_view crlf = "\r\n";
constexpr std::size_t hash_at = 8192;

/// Up to the next byte that the body rules look at. (find_first_of() asks memchr() about every
/// single byte: that was a tenth of all instructions of a message.)
std::string_view plain_run(std::string_view piece) {
  const auto special = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  return piece.substr(0, static_cast<std::size_t>(
                             std::find_if(piece.begin(), piece.end(), special) - piece.begin()));
}
}  // namespace

Digest::Digest() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
  EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
}

void Digest::add(std::string_view bytes) {
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

std::string Digest::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  EVP_DigestFinal_ex(context_.get(), out.data(), &size);
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string relaxed_field(std::string_view name, std::string_view value) {
  std::string out = text::lowered(name) + ":";
  bool space = false;
  for (const char c : text::trimmed(value)) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      space = true;
      continue;
    }
    if (space) out += ' ';
    space = false;
    out += c;
  }
  return out;
}

void BodyHash::add(std::string_view piece) {
  while (!piece.empty()) {
    const char c = piece.front();
    if (carriage_return_ && c != '\n') add_text("\r");  // a bare CR is text
    if (carriage_return_ && c == '\n') {
      end_line();
    } else if (c == ' ' || c == '\t') {
      space_ = true;
    } else if (c != '\r') {
      const std::string_view text = plain_run(piece);
      add_text(text);
      carriage_return_ = false;
      piece.remove_prefix(text.size());
      continue;
    }
    carriage_return_ = c == '\r';
    piece.remove_prefix(1);
  }
}

void BodyHash::add_text(std::string_view text) {
  for (; empty_lines_ > 0; --empty_lines_) put(crlf);
  if (space_) put(" ");
  space_ = false;
  line_begun_ = true;
  put(text);
}

void BodyHash::end_line() {
  if (line_begun_) {
    put(crlf);
  } else {
    ++empty_lines_;
  }
  space_ = false;
  line_begun_ = false;
}

void BodyHash::put(std::string_view bytes) {
  canonical_ += bytes;
  if (canonical_.size() < hash_at) return;
  digest_.add(canonical_);
  canonical_.clear();
}

std::string BodyHash::finish() {
  if (carriage_return_) add_text("\r");
  if (line_begun_) put(crlf);
  digest_.add(canonical_);
  return digest_.finish();
}

}  // namespace ecrelay::dkim
