#include "mail/report.h"

#include <gtest/gtest.h>

#include <chrono>

namespace ecrelay::mail {
namespace {

std::string dsn(const std::string& fields, const std::string& words = "It failed.") {
  return "From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example>\r\n"
         "Subject: Undelivered Mail\r\n"
         "Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n"
         "--b\r\n\r\n" +
         words +
         "\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
         "Reporting-MTA: dns; mx.example\r\n\r\n" +
         fields +
         "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
         "From: shop@shop-a.example\r\nTo: original@example.jp\r\n\r\nhello\r\n--b--\r\n";
}

std::string bounce(const std::string& words) {
  return "From: MAILER-DAEMON@mx.example\r\nSubject: failure notice\r\n\r\n" + words;
}

/// The one result of a report.
Reported only(const std::string& bytes) {
  const Report report = read_report(bytes);
  EXPECT_EQ(report.results.size(), 1U);
  return report.results.empty() ? Reported() : report.results.front();
}

TEST(ReportReader, ReadsTheFieldsOfADeliveryStatus) {
  const Reported result = only(dsn(
      "Original-Recipient: rfc822;a@example.jp\r\nFinal-Recipient: rfc822; b@forward.example\r\n"
      "Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.forward.example\r\n"
      "Diagnostic-Code: smtp; 550 5.1.1 <b@forward.example>:\r\n User unknown\r\n"));
  EXPECT_EQ(result.recipient, "b@forward.example");
  EXPECT_EQ(result.original_recipient, "a@example.jp");
  EXPECT_EQ(result.action, "failed");
  EXPECT_EQ(result.status, "5.1.1");
  EXPECT_EQ(result.reply, "550");
  EXPECT_EQ(result.diagnostic, "550 5.1.1 <b@forward.example>: User unknown");
  EXPECT_EQ(result.server, "mx.forward.example");
}

TEST(ReportReader, AVagueStatusGivesWayToTheCodeInTheText) {
  EXPECT_EQ(only(dsn("Final-Recipient: rfc822; a@b.jp\r\nAction: failed\r\nStatus: 5.0.0\r\n"
                     "Diagnostic-Code: smtp; 550 5.7.1 blocked\r\n"))
                .status,
            "5.7.1");
  EXPECT_EQ(only(dsn("Final-Recipient: rfc822; a@b.jp\r\nAction: failed\r\nStatus: 4.4.7\r\n"
                     "Diagnostic-Code: smtp; 450 4.2.2 full\r\n"))
                .status,
            "4.2.2");
}

TEST(ReportReader, TakesWhatServersWriteAgainstTheRules) {
  for (const char* fields :
       {"Final-Recipient: rfc/822; <a@b.jp>\r\nAction: Failed (nobody there)\r\nStatus: 5.1.1 "
        "(x)\r\n",
        "Original-Recipient: <a@b.jp>\r\nAction: expired\r\nDiagnostic-Code: 5.1.1 gone\r\n",
        "Final-Recipient:RFC822;a@b.jp\r\nStatus:5.1.1\r\n",
        "Action: failed\r\nStatus: 5.1.1\r\nFinal-Recipient: a@b.jp\r\n"}) {
    const Reported result = only(dsn(fields));
    EXPECT_EQ(result.recipient, "a@b.jp") << fields;
    EXPECT_EQ(result.action, "failed") << fields;
    EXPECT_EQ(result.status, "5.1.1") << fields;
  }
}

TEST(ReportReader, SeveralRecipientsWithoutAnEmptyLineBetweenThem) {
  const Report report =
      read_report(dsn("Final-Recipient: rfc822; a@b.jp\r\nAction: failed\r\nStatus: 5.1.1\r\n"
                      "Final-Recipient: rfc822; c@d.jp\r\nAction: delayed\r\nStatus: 4.4.1\r\n"));
  ASSERT_EQ(report.results.size(), 2U);
  EXPECT_EQ(report.results[0].action, "failed");
  EXPECT_EQ(report.results[1].recipient, "c@d.jp");
  EXPECT_EQ(report.results[1].action, "delayed");
}

TEST(ReportReader, WithoutAClosingBoundaryNothingIsLost) {
  std::string cut = dsn("Final-Recipient: rfc822; a@b.jp\r\nAction: failed\r\nStatus: 5.1.1\r\n");
  cut.resize(cut.find("\r\n--b\r\nContent-Type: message/rfc822"));
  EXPECT_EQ(only(cut).recipient, "a@b.jp");
}

TEST(ReportReader, TheTranscriptTellsTheStage) {
  const auto stage = [](const std::string& transcript) {
    return only(dsn("Final-Recipient: rfc822; a@b.jp\r\nAction: failed\r\nStatus: 5.0.0\r\n",
                    "----- Transcript of session follows -----\r\n" + transcript))
        .said_at;
  };
  EXPECT_EQ(stage(">>> RCPT To:<a@b.jp>\r\n<<< 550 no\r\n"), SaidAt::rcpt);
  EXPECT_EQ(stage(">>> MAIL From:<s@shop.jp>\r\n<<< 553 no\r\n"), SaidAt::mail);
  EXPECT_EQ(stage(">>> DATA\r\n<<< 550 no\r\n"), SaidAt::data);
  // Pipelined: what stands behind DATA was said to RCPT.
  EXPECT_EQ(stage(">>> DATA\r\n<<< 550 no\r\n<<< 503 5.5.1 need RCPT\r\n"), SaidAt::rcpt);
  EXPECT_EQ(stage(">>> DATA\r\n<<< 550 no\r\n<<< 554 no valid recipients\r\n"), SaidAt::rcpt);
}

TEST(ReportReader, ReadsWhatQmailWrites) {
  const Report report = read_report(
      bounce("Hi. This is the qmail-send program at mx.example.\r\n\r\n<a@b.jp>:\r\n"
             "192.0.2.1 does not like recipient.\r\nRemote host said: 550 5.1.1 no such user\r\n"
             "\r\n<c@d.jp>:\r\nmailbox full (#5.2.2)\r\n\r\n"
             "--- Below this line is a copy of the message.\r\n\r\nTo: other@x.jp\r\n"));
  ASSERT_EQ(report.kind, ReportKind::nonstandard);
  ASSERT_EQ(report.results.size(), 2U);
  EXPECT_EQ(report.results[0].status, "5.1.1");
  EXPECT_EQ(report.results[0].said_at, SaidAt::rcpt);
  EXPECT_EQ(report.results[1].recipient, "c@d.jp");
  EXPECT_EQ(report.results[1].status, "5.2.2");
  EXPECT_EQ(report.results[1].reply, "");
}

TEST(ReportReader, FindsTheRecipientInTheShapesThatServersWrite) {
  for (const char* line :
       {"a@b.jp", "  <a@b.jp>", "* a@b.jp", "\"a@b.jp\":", ">>> a@b.jp <<<", "Recipient: <a@b.jp>",
        "a@b.jp: 550 no", "-- a@b.jp", "a@b.jp on Thu, 1 Jan 2026", "550 <a@b.jp>... no",
        "delivery to a@b.jp failed", "<<< 550 no\r\n550 <a@b.jp>... no", "Error: a@b.jp [no]"}) {
    EXPECT_EQ(only(bounce("It was not delivered.\r\n\r\n" + std::string(line) + "\r\n")).recipient,
              "a@b.jp")
        << line;
  }
}

TEST(ReportReader, HotmailsComplaintsNameTheRecipientInsideTheMessage) {
  const Report report = read_report(
      "From: staff@hotmail.com\r\nSubject: complaint about message from 192.0.2.1\r\n"
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
      "X-HmXmrOriginalRecipient: a@hotmail.com\r\nTo: other@x.jp\r\n\r\nhi\r\n--b--\r\n");
  EXPECT_EQ(report.kind, ReportKind::arf);
  ASSERT_EQ(report.results.size(), 1U);
  EXPECT_EQ(report.results[0].recipient, "a@hotmail.com");
}

TEST(ReportReader, ReadsIso2022JpAsWords) {
  const Report report = read_report(
      "From: postmaster@x.jp\r\nSubject: Undeliverable\r\n"
      "Content-Type: text/plain; charset=ISO-2022-JP\r\n\r\n"
      "a@b.jp\r\n\x1b$B08@hITL@\x1b(B\r\n");
  EXPECT_NE(report.words.find("宛先不明"), std::string::npos) << report.words;
}

TEST(ReportReader, AWarningAboutDelayIsNotAFailure) {
  EXPECT_EQ(only(bounce("THIS IS A WARNING MESSAGE ONLY.\r\n\r\nDelivery to the following "
                        "recipient has been delayed:\r\n\r\n  a@b.jp\r\n"))
                .action,
            "delayed");
}

TEST(ReportReader, AComplaintNamesTheOneWhoComplains) {
  const Report report = read_report(
      "From: fbl@isp.example\r\nContent-Type: multipart/report; report-type=feedback-report; "
      "boundary=b\r\n\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: "
      "abuse\r\n"
      "Original-Rcpt-To: <a@b.jp>\r\n\r\n--b--\r\n");
  EXPECT_EQ(report.kind, ReportKind::arf);
  EXPECT_EQ(report.feedback_type, "abuse");
  ASSERT_EQ(report.results.size(), 1U);
  EXPECT_EQ(report.results[0].recipient, "a@b.jp");
}

TEST(ReportReader, AVacationAnswerIsNoFailureAndAnOrdinaryMailNoReport) {
  EXPECT_EQ(read_report("From: a@b.jp\r\nSubject: Re: hi\r\nAuto-Submitted: auto-replied\r\n\r\n"
                        "I am away. User unknown 550 5.1.1\r\n")
                .kind,
            ReportKind::autoreply);
  const Report mail = read_report(
      "From: a@b.jp\r\nSubject: hello\r\n\r\n<c@d.jp>: 550 5.1.1 User unknown, I was told\r\n");
  EXPECT_EQ(mail.kind, ReportKind::none);
  EXPECT_TRUE(mail.results.empty());
}

TEST(ReportReader, NeverReadsTheMessageThatCameBackAsTheReport) {
  // A shop may well have mailed somebody a bounce.
  const Report report = read_report(
      "From: MAILER-DAEMON@mx.example\r\nSubject: failure notice\r\n"
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nmailbox full\r\n--b\r\n"
      "Content-Type: message/rfc822\r\n\r\nFrom: shop@shop-a.example\r\nTo: a@b.jp\r\n\r\n"
      "Final-Recipient: rfc822; victim@x.jp\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n");
  ASSERT_EQ(report.results.size(), 1U);
  EXPECT_EQ(report.results[0].recipient, "a@b.jp");
  EXPECT_EQ(report.results[0].status, "");
}

// --- hostile input: bounded in time and memory, never an exception -------------------------

std::string repeated(const std::string& text, std::size_t times) {
  std::string result;
  result.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

TEST(ReportReader, HoldsOutAgainstHostileInput) {
  const std::string head = "From: MAILER-DAEMON@x\r\nSubject: failure notice\r\n";
  const std::vector<std::string> inputs = {
      "",
      "\r\n",
      std::string(1, '\0'),
      std::string(2'000'000, '\n'),
      std::string(2'000'000, '@'),
      std::string(2'000'000, '-'),
      head + "\r\n" + repeated("<a@b.jp>:\r\n", 300'000),
      head + "\r\n" + repeated("550 ", 500'000),
      head + "\r\n" + repeated("5.1.1 ", 400'000),
      head + "\r\n" + repeated("\"@", 1'000'000),
      head + "\r\n{" + repeated("{\"Message\":", 100'000),
      repeated("X: y\r\n", 400'000),
      "X: " + std::string(3'000'000, 'y') + "\r\n\r\n",
      head + "Content-Type: multipart/mixed\r\n\r\n--\r\n--\r\n--\r\n",
      head + "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n" +
          repeated("--\r\n\r\n", 200'000),
      repeated("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", 50'000),
      dsn(repeated("Final-Recipient: rfc822; a@b.jp\r\nAction: failed\r\n\r\n", 50'000)),
      dsn(repeated("Action: failed\r\n", 100'000)),
      head + "Content-Type: text/html\r\n\r\n" + repeated("<style>&lt;</", 100'000),
      head + "Content-Transfer-Encoding: base64\r\n\r\n" + repeated("=\x1b$B", 400'000),
      dsn("Final-Recipient: rfc822; a@b.jp\r\n") + std::string(25U << 20, 'x')};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Report report = read_report(inputs[i]);
    EXPECT_LE(report.results.size(), 100U) << i;
    EXPECT_LE(report.words.size(), 70'000U) << i;
  }
}

}  // namespace
}  // namespace ecrelay::mail
