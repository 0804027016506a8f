#include "mail/forwarded_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mail/header.h"
#include "mail/report.h"

namespace ecrelay::mail {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* bounce =
    "Return-Path: <>\r\nReceived: from mx by mail\r\nDKIM-Signature: v=1; d=mx.example\r\n"
    "From: =?UTF-8?Q?Mail?=\r\n <MAILER-DAEMON@mx.example>\r\nTo: token@bounce.shop-a.example\r\n"
    "Subject: Undelivered\r\nMIME-Version: 1.0\r\n"
    "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
    "Final-Recipient: rfc822; hanako@customer.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    "Diagnostic-Code: smtp; 550 5.1.1 unknown\r\n\r\n--b--\r\n";

ForwardedReport report(std::string_view bytes) {
  ForwardedReport report;
  report.id = *Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  report.hostname = "relay-1.example.jp";
  report.to = "bounces@shop-a.example";
  report.at = TimePoint(Duration(1'763'874'000'000));
  report.message = *Ulid::parse("01BX5ZZKBKACTAV9WEVGEMMVRZ");
  report.recipient = "hanako@customer.example";
  report.bytes = bytes;
  return report;
}

TEST(CarriedReport, IsReadAsItWasAndComesFromUs) {
  const auto carried = carry_on(report(bounce));
  ASSERT_TRUE(carried);
  const std::string whole = carried->head + carried->body;
  const auto header = HeaderSection::scan(whole);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->count("From"), 1U);
  EXPECT_THAT(std::string(header->find("From")->value), HasSubstr("MAILER-DAEMON@relay-1"));
  EXPECT_THAT(std::string(header->find("To")->value), HasSubstr("<bounces@shop-a.example>"));
  EXPECT_THAT(std::string(header->find("X-ECRelay-From")->value),
              HasSubstr("=?UTF-8?Q?Mail?= <MAILER-DAEMON@mx.example>"));
  EXPECT_NE(header->find("Auto-Submitted"), nullptr);
  EXPECT_THAT(carried->head, Not(HasSubstr("token@")));
  EXPECT_THAT(carried->head, Not(HasSubstr("DKIM-Signature")));
  const Report before = read_report(bounce);
  const Report after = read_report(whole);
  ASSERT_EQ(after.results.size(), 1U);
  EXPECT_EQ(after.results[0].recipient, before.results[0].recipient);
  EXPECT_EQ(after.results[0].status, "5.1.1");
  EXPECT_EQ(after.kind, before.kind);
  EXPECT_FALSE(carried->eight_bit);
}

TEST(CarriedReport, IsCarriedOnOnceOnly) {
  const auto once = carry_on(report(bounce));
  EXPECT_EQ(carry_on(report(once->head + once->body)).error().code, ErrorCode::refused);
  std::string hops;
  for (int i = 0; i < 50; ++i) hops += "Received: from a by b\r\n";
  EXPECT_EQ(carry_on(report(hops + bounce)).error().code, ErrorCode::refused);
}

TEST(CarriedReport, WhatIsNoMailIsNotCarried) {
  for (const char* junk : {"", "\r\n", "no header at all\r\n", "From nobody\r\nSubject: x\r\n\r\n"})
    EXPECT_EQ(carry_on(report(junk)).error().code, ErrorCode::invalid) << junk;
}

TEST(CarriedReport, NothingInItBreaksOutOfItsField) {
  auto hostile = report("From: a\r\n\tb <x@y>\r\nSubject: s\r\n\r\nbody\x80");
  hostile.recipient = "a\r\nBcc: victim@x";
  const auto carried = carry_on(hostile);
  ASSERT_TRUE(carried);
  EXPECT_EQ(HeaderSection::scan(carried->head)->find("Bcc"), nullptr);
  EXPECT_TRUE(carried->eight_bit);
  EXPECT_TRUE(carried->body.ends_with("\r\n"));
}

}  // namespace
}  // namespace ecrelay::mail
