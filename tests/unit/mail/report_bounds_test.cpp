#include <gtest/gtest.h>

#include <sys/resource.h>

#include "mail/report.h"

// Reports come from strangers: whatever they hold, reading one ends soon and stays small. What is
// asserted is that it comes back, and what it made of it; a test that hangs is stopped by ctest,
// and the memory is the process's.

namespace ecrelay::mail {
namespace {

constexpr std::size_t mega = 1U << 20;

const std::string head = "From: MAILER-DAEMON@mx.example\r\nSubject: failure notice\r\n";

std::string repeated(std::string_view piece, std::size_t bytes) {
  std::string result;
  while (result.size() < bytes) result += piece;
  return result;
}

long peak_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

/// Reading takes no more than some passes over what is read, however long the mail is.
Report read_within_bounds(const std::string& bytes) {
  const long before = peak_kib();
  Report report = read_report(bytes);
#ifndef __SANITIZE_ADDRESS__  // it keeps what is freed
  EXPECT_LT(peak_kib() - before, 64 << 10) << "KiB more for " << bytes.size() << " bytes";
#else
  (void)before;
#endif
  EXPECT_LE(report.results.size(), 100U);
  EXPECT_LE(report.words.size(), (64U << 10) + 1);
  return report;
}

TEST(ReportBounds, NestedTenThousandDeep) {
  std::string nested = head;
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = "b" + std::to_string(i);
    nested += "Content-Type: multipart/mixed; boundary=\"" + name + "\"\r\n\r\n--" + name + "\r\n";
  }
  read_within_bounds(nested + "\r\n<a@b.jp>:\r\nno such user\r\n");
}

TEST(ReportBounds, MessagesInsideMessages) {
  std::string inside = "To: a@b.jp\r\n\r\nhello\r\n";
  for (int i = 0; i < 200; ++i) inside = head + "Content-Type: message/rfc822\r\n\r\n" + inside;
  EXPECT_TRUE(read_within_bounds(inside).results.size() <= 1);
}

TEST(ReportBounds, GiantHeaders) {
  read_within_bounds(head + "X: " + std::string(25 * mega, 'x') + "\r\n\r\n<a@b.jp>:\r\n");
  read_within_bounds(head + repeated("X-Spam: 1\r\n", 25 * mega) + "\r\n<a@b.jp>:\r\n");
  read_within_bounds(head + "Subject: " + repeated("=?utf-8?B?44GC?= ", 2 * mega) + "\r\n\r\nx");
  read_within_bounds(head + "X: 1\r\n" + repeated(" folded\r\n", 25 * mega));
  read_within_bounds("X-Failed-Recipients: " + repeated("a@b.jp, ", 25 * mega) + "\r\n\r\nx");
}

TEST(ReportBounds, PartsWithoutEnd) {
  const std::string multipart = head + "Content-Type: multipart/report; boundary=b\r\n\r\n";
  // A hundred thousand tiny parts, 25 MiB of parts, and one that never ends.
  read_within_bounds(multipart + repeated("--b\r\n\r\nx\r\n", 10 * 100'000));
  read_within_bounds(multipart +
                     repeated("--b\r\n\r\n" + std::string(200'000, 'y') + "\r\n", 25 * mega));
  read_within_bounds(multipart + "--b\r\n\r\n" + std::string(25 * mega, 'z'));
  read_within_bounds(multipart + repeated("--b--\r\n--b\r\n\r\n", 25 * mega));
}

TEST(ReportBounds, NoBoundaryOrAnImpossibleOne) {
  const std::string rest = "\r\n\r\n--x\r\n\r\n<a@b.jp>:\r\nno such user\r\n--x--\r\n";
  for (const std::string& type :
       {std::string("multipart/report"), std::string("multipart/report; boundary="),
        std::string("multipart/report; boundary=\""),
        "multipart/report; boundary=\"" + std::string(mega, 'q') + '"',
        std::string("multipart/report; boundary=\"--\"")}) {
    read_within_bounds(head + "Content-Type: " + type + rest);
  }
}

TEST(ReportBounds, EndlessRecipientsFieldsAndTranscripts) {
  std::string groups = head + "Content-Type: message/delivery-status\r\n\r\n";
  groups += repeated("Final-Recipient: rfc822; a@b.jp\r\nStatus: 5.1.1\r\n\r\n", 25 * mega);
  EXPECT_EQ(read_within_bounds(groups).results.size(), 100U);
  std::string words = head + "\r\n";
  for (int i = 0; i < 100'000; ++i)
    words += "<u" + std::to_string(i) + "@b.jp>:\r\nno such user\r\n";
  EXPECT_EQ(read_within_bounds(words).results.size(), 100U);
  std::string session = head + "\r\n";
  for (int i = 0; i < 20'000; ++i) {
    const std::string n = std::to_string(i);
    session += ">>> RCPT TO:<u" + n + "@b.jp>\r\n<<< 550 <u" + n + "@b.jp> unknown\r\n";
  }
  EXPECT_EQ(read_within_bounds(session).results.size(), 100U);
}

TEST(ReportBounds, TextsMadeToMakeSearchesSlow) {
  for (const std::string_view piece :
       {"@",     "a@",        "<<<<", "((((", "\"",       "a@b.jp ",         "5.1.1 ",   "550 ",
        "user ", "domain a ", "> ",   "-",    "\xE3\x81", "\x1B$B",          "\x1B",     "=?",
        "&lt;",  "<p>",       "<",    "--",   "'",        "(expanded from ", "5.5.5.5.", "\r",
        "{",     "[[[["}) {
    read_within_bounds(head + "\r\n" + repeated(piece, 2 * mega));
    read_within_bounds(head + "Content-Type: text/html\r\n\r\n" + repeated(piece, 2 * mega));
    read_within_bounds(head + "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n" +
                       repeated(piece, mega));
    read_within_bounds(head + "Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: " +
                       repeated(piece, 2 * mega));
  }
}

TEST(ReportBounds, EveryCharsetIsReadAndTheLabelMayLie) {
  for (const char* label :
       {"iso-2022-jp", "shift_jis", "euc-jp", "gb18030", "gb2312", "big5", "koi8-r", "windows-1250",
        "windows-1251", "windows-1252", "windows-1254", "iso-8859-1", "iso-8859-15", "utf-8",
        "utf-16", "utf-7", "x-nobody-knows", ""}) {
    const std::string type =
        std::string("Content-Type: text/plain; charset=\"") + label + "\"\r\n\r\n";
    const auto plain = read_report(head + type + "<a@b.jp>:\r\n550 5.1.1 no such user\r\n");
    ASSERT_EQ(plain.results.size(), 1U) << label;
    EXPECT_EQ(plain.results[0].status, "5.1.1") << label;
    std::string all;
    for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
    read_within_bounds(head + type + repeated(all, mega));
    // Labelled wrongly, but UTF-8 for who looks.
    const auto lie = read_report(head + type + "<a@b.jp>:\r\n550 宛先のユーザが見つかりません\r\n");
    ASSERT_EQ(lie.results.size(), 1U) << label;
    EXPECT_NE(lie.results[0].diagnostic.find("見つかりません"), std::string::npos) << label;
  }
}

TEST(ReportBounds, WithoutAHeaderOrAnythingAtAll) {
  for (const char* bytes :
       {"", "\n", "\r\n\r\n", "\r\r\r", "From ", ":", "\0", "--\n", "a", " \n \n"})
    EXPECT_TRUE(read_report(bytes).results.empty()) << bytes;
}

}  // namespace
}  // namespace ecrelay::mail
