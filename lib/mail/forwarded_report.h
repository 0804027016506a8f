#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "core/time.h"
#include "core/ulid.h"

namespace ecrelay::mail {

/// A report of somebody else that goes on to the sender of the message it is about.
struct ForwardedReport {
  Ulid id;               ///< of the mail that carries it on
  std::string hostname;  ///< this relay
  std::string to;        ///< the envelope sender of the message
  TimePoint at;
  Ulid message;            ///< that it is about
  std::string recipient;   ///< that it is about, as we know it
  std::string_view bytes;  ///< as it came
};

struct CarriedReport {
  std::string head;  ///< ends with the empty line
  std::string body;
  bool eight_bit = false;
};

/// The report as it came, body and MIME fields byte for byte, so that the programs that read
/// bounces read it as before. But it is from us now (MAILER-DAEMON at this relay, because the
/// upstream takes mail from nobody else), to the shop's address, Auto-Submitted, and it names the
/// message and recipient it is about (X-ECRelay-ID, X-ECRelay-Recipient) and who wrote it
/// (X-ECRelay-From). Signatures of the writer, which no longer fit, do not go along.
/// Errors: `invalid`, it is no mail; `refused`, it was carried on by a relay like this before, or
/// has been through 50 servers: it goes round in circles.
Result<CarriedReport> carry_on(const ForwardedReport& report);

}  // namespace ecrelay::mail
