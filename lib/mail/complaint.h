#pragma once

#include <string_view>
#include <vector>

#include "mail/parts.h"
#include "mail/report.h"

namespace ecrelay::mail {

/// A complaint in the form of RFC 5965: one result for each Original-Rcpt-To or Removal-Recipient,
/// else for the To of the returned message, else one without an address. `feedback` is the
/// message/feedback-report part, `original` the returned message or "".
Report read_complaint(std::string_view feedback, std::string_view original);

/// Amazon's notifications: JSON that SNS sends by mail. `none` where the text is no such thing.
Report read_notification(std::string_view text);

}  // namespace ecrelay::mail
