#pragma once

#include <string>
#include <string_view>

#include "mail/report.h"
#include "policy/operator_rule.h"
#include "policy/reply_text.h"
#include "policy/suppression_rule.h"
#include "smtp/stage.h"

/// What the rows of the decision table are asked about. Private to suppression_rule.
namespace ecrelay::policy {

/// Read once: a reply in a session of ours or a claim in a report.
struct Facts {
  explicit Facts(const Evidence& evidence);
  Facts(const mail::Reported& result, std::string_view said);

  bool in_domain(std::string_view name) const;

  bool reported = false;
  bool stage_told = true;
  smtp::Stage stage;
  int code;
  ReplyText text;
  std::string server;  ///< lower case, as are local and domain of the recipient
  std::string local;
  std::string domain;

 private:
  void take(std::string_view recipient);
};

/// "mx.a.jp" and "a.jp" are within "a.jp".
bool is_within(std::string_view host, std::string_view domain);

/// An operator's row, by the rules of operator_rule.h.
bool applies(const OperatorRule& rule, const Facts& facts);

}  // namespace ecrelay::policy
