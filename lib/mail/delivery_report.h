#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "core/ulid.h"

namespace ecrelay::mail {

/// What became of one recipient (RFC 3464 2.3). Texts may hold anything: they are made safe here.
struct ReportedRecipient {
  std::string address;
  std::string status;      ///< "5.1.1"
  std::string remote_mta;  ///< name of the server that spoke; "" for none
  std::string diagnostic;  ///< its reply, with the code; "" for none
  TimePoint last_attempt;
};

/// A delivery status notification (RFC 3464) about one of our messages, for its sender.
struct DeliveryReport {
  enum class Action { failed, delayed };

  Action action = Action::failed;
  Ulid id;               ///< of the report itself
  std::string hostname;  ///< this relay
  std::string to;        ///< the envelope sender of the message
  TimePoint at;
  Ulid message;
  std::string message_id;  ///< of the message, with its angle brackets; "" when unknown
  TimePoint accepted_at;
  TimePoint expires_at;  ///< until when it is tried; for Action::delayed
  std::vector<ReportedRecipient> recipients;
  std::string_view header;  ///< of the message, as it was sent
};

/// The report as it is sent: head with the empty line, and body.
struct ComposedReport {
  std::string head;
  std::string body;
  bool eight_bit = false;  ///< the returned header holds bytes above 0x7f
};

/// multipart/report with a part for people in Japanese and English, one for programs
/// (message/delivery-status) and the header of the message (at most 64 KiB of it), never its body.
/// Auto-Submitted, so that nobody answers it (RFC 3834); to be sent from the null sender.
ComposedReport compose_report(const DeliveryReport& report);

}  // namespace ecrelay::mail
