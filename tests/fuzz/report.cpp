#include "mail/report.h"

#include <string_view>

#include "policy/suppression_rule.h"
#include "policy/verdict.h"
#include "smtp/reply.h"
#include "target.h"

/// Reports and replies from anybody: bounded, and a listing only where something failed.
namespace ecrelay {
namespace {

using fuzz::require;

void check_report(std::string_view input) {
  const mail::Report report = mail::read_report(input);
  require(report.results.size() <= 100, "at most 100 results");
  require(report.words.size() <= 64U << 10U, "words within 64 KiB");
  if (report.kind == mail::ReportKind::none) require(report.results.empty(), "none has no results");
  for (const mail::Reported& result : report.results) {
    const policy::Suppression decision = policy::suppression_for(report, result);
    if (decision.suppresses()) {
      require(result.failed() && report.kind != mail::ReportKind::autoreply,
              "only what failed is listed");
    }
    require(!decision.reason.empty(), "a decision has a reason");
  }
}

void check_reply(std::string_view input) {
  const int code = 200 + static_cast<int>(fuzz::take_byte(input)) % 400;
  const std::size_t space = input.find(' ');
  smtp::Reply reply;
  reply.code = code;
  reply.enhanced = input.substr(0, space);
  reply.text = space == input.npos ? "" : input.substr(space + 1);
  for (const auto stage :
       {smtp::Stage::mail, smtp::Stage::rcpt, smtp::Stage::data, smtp::Stage::dot}) {
    const policy::Verdict verdict = policy::verdict_of(stage, reply);
    if (verdict.outcome == policy::Outcome::sent) {
      require(stage == smtp::Stage::dot && reply.positive(), "sent is a 2xx at the dot");
    }
    if (verdict.outcome == policy::Outcome::failed) require(reply.permanent(), "failed is a 5xx");
    const policy::Evidence evidence{stage, reply, "a@b.example", "mx.b.example"};
    const policy::Suppression decision = policy::suppression_for(evidence);
    if (decision.suppresses()) {
      require(stage == smtp::Stage::rcpt && reply.permanent(), "only a 5xx at RCPT lists");
    }
  }
}

}  // namespace
}  // namespace ecrelay

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = ecrelay::fuzz::text_of(data, size);
  ecrelay::check_report(input);
  ecrelay::check_reply(input);
  return 0;
}
