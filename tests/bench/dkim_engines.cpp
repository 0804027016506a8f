// Signs generated mails with both engines and compares the fields byte by byte.
//
//   dkim_engines [COUNT [SEED]]     10,000 mails; the same seed makes the same mails
//
// The mails are as odd as the rules for white space allow: folds, runs, empty and repeated fields,
// names in any case and with space before the colon, lines that are no field, 8-bit text, bodies
// that are empty, end in blank lines or in the middle of one.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "dkim/signer.h"

namespace {

using namespace ecrelay;

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t limit) { return random_() % limit; }
  bool once_in(std::size_t times) { return below(times) == 0; }

  template <std::size_t size>
  std::string_view any(const std::array<std::string_view, size>& of) {
    return of[below(size)];
  }

  std::string head() {
    std::string text = field(once_in(50) ? "X-From" : "From");
    for (std::size_t left = below(12); left > 0; --left) {
      if (once_in(40))
        text += once_in(2) ? "a line without its colon\r\n" : "Subject\r\n";
      else
        text += field(any(names));
    }
    if (once_in(100)) text.insert(below(text.size()), 1, any(troubles).front());
    return text;
  }

  std::string body() {
    std::string text;
    for (std::size_t left = below(4) * below(12); left > 0; --left) text += any(body_parts);
    if (once_in(30)) text += std::string(below(20'000), 'l') + "\r\n";
    for (std::size_t left = below(4); left > 0; --left) text += any(line_ends);
    return text;
  }

 private:
  static constexpr auto names = std::to_array<std::string_view>({"From",
                                                                 "To",
                                                                 "Cc",
                                                                 "Subject",
                                                                 "Date",
                                                                 "Message-ID",
                                                                 "Reply-To",
                                                                 "Sender",
                                                                 "In-Reply-To",
                                                                 "References",
                                                                 "MIME-Version",
                                                                 "Content-Type",
                                                                 "Content-Transfer-Encoding",
                                                                 "List-Id",
                                                                 "List-Unsubscribe",
                                                                 "List-Unsubscribe-Post",
                                                                 "Feedback-ID",
                                                                 "Received",
                                                                 "X-Mailer",
                                                                 "DKIM-Signature",
                                                                 "Resent-From",
                                                                 "Bcc"});
  static constexpr auto value_parts =
      std::to_array<std::string_view>({" ",
                                       "  ",
                                       "\t",
                                       " \t ",
                                       "\r\n ",
                                       "\r\n\t",
                                       "\r\n  \t",
                                       "\r\n \r\n ",
                                       "a",
                                       "word",
                                       "two words",
                                       "<x@y.example>",
                                       "=?UTF-8?B?44K3?=",
                                       "\xe6\xb3\xa8\xe6\x96\x87",
                                       "\xff\x80",
                                       ":",
                                       ";",
                                       "=",
                                       "(comment)",
                                       "\"quoted \\\" \"",
                                       "0123456789012345678901234567890123456789"});
  static constexpr auto body_parts = std::to_array<std::string_view>(
      {"\r\n", "\r\n\r\n", " ", "  ", "\t", " \t", " \r\n", "\t\r\n", "x", "word", "two  words\r\n",
       ".", "\r\n.", "\xe6\xb3\xa8\xe6\x96\x87\r\n", "\xff", "=3D=\r\n", "From the start\r\n"});
  static constexpr auto line_ends =
      std::to_array<std::string_view>({"\r\n", " \r\n", "\t", "end", "\r\n\r\n\r\n"});
  static constexpr auto troubles =
      std::to_array<std::string_view>({"\r", "\n", std::string_view("\0", 1), "\v", "\f", ":"});

  std::string field(std::string_view name) {
    std::string text;
    for (const char c : name) text += once_in(8) ? flipped(c) : c;
    if (once_in(10)) text += any(std::to_array<std::string_view>({" ", "\t", "  "}));
    text += ':';
    for (std::size_t left = below(9); left > 0; --left) text += any(value_parts);
    return text + "\r\n";
  }

  static char flipped(char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter ? static_cast<char>(c ^ 0x20) : c;
  }

  std::mt19937_64 random_;
};

void show(const char* what, const Result<std::string>& field) {
  std::fprintf(stderr, "%s: %s\n", what,
               field ? field->c_str() : ("error: " + field.error().detail).c_str());
}

/// False when the engines differ.
bool agree(Generator& mails, const dkim::Signer& reference, const dkim::Signer& cached,
           const dkim::Identity& identity, std::uint64_t& refused) {
  const std::string head = mails.head();
  const std::string body = mails.body();
  const std::size_t cut = mails.below(body.size() + 1);
  const std::array<std::string_view, 2> pieces = {std::string_view(body).substr(0, cut),
                                                  std::string_view(body).substr(cut)};
  const TimePoint at(std::chrono::seconds(1'700'000'000 + mails.below(1'000'000)));
  const auto expected = reference.sign(head, pieces, std::span(&identity, 1), at);
  const auto field = cached.sign(head, pieces, std::span(&identity, 1), at);
  if (!expected && !field) {
    ++refused;
    return true;
  }
  if (expected && field && *expected == *field) return true;
  std::fprintf(stderr, "the engines differ for this mail:\n%s\r\n%s\n", head.c_str(), body.c_str());
  show("libopendkim", expected);
  show("cached", field);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 20'240'705;
  const auto key = dkim::Key::generate(dkim::Algorithm::rsa_sha256);
  if (!key) return 70;
  const dkim::Identity identity{"shop-a.example", "r1", *key};
  const auto reference = dkim::make_opendkim_signer();
  const auto cached = dkim::make_cached_signer();
  Generator mails(seed);
  std::uint64_t refused = 0;
  for (std::uint64_t n = 0; n < count; ++n) {
    if (agree(mails, *reference, *cached, identity, refused)) continue;
    std::fprintf(stderr, "mail %llu of seed %llu\n", static_cast<unsigned long long>(n),
                 static_cast<unsigned long long>(seed));
    return 1;
  }
  std::printf("%llu mails: the same bytes; %llu of them refused by both\n",
              static_cast<unsigned long long>(count), static_cast<unsigned long long>(refused));
  return 0;
}
