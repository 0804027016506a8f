#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ecrelay::mail {

enum class ReportKind {
  none,         ///< not a report: nothing may follow from it
  dsn,          ///< machine-readable fields (RFC 3464), whole or broken
  nonstandard,  ///< a failure told in words only
  arf,          ///< a complaint (RFC 5965) or its look-alike
  autoreply,    ///< RFC 3834
};

std::string_view to_text(ReportKind kind);  ///< the enumerator's own name

/// At which command of an SMTP session the refusal was given, as far as the report says.
enum class SaidAt { unknown, connect, mail, rcpt, data };

/// What a report says of one recipient. All texts are claims of strangers, in UTF-8 where the
/// report's charset could be read; "" where nothing is said.
struct Reported {
  std::string recipient;           ///< Final-Recipient, or the address in the words
  std::string original_recipient;  ///< Original-Recipient: where it differs, we mailed this one
  std::string action;              ///< failed, delayed, delivered, relayed, expanded; "" for arf
  std::string status;  ///< the most telling enhanced code: a vague Status gives way to the text's
  std::string reply;   ///< SMTP reply code
  std::string diagnostic;  ///< what was said about this recipient
  std::string server;      ///< Remote-MTA
  SaidAt said_at = SaidAt::unknown;

  bool failed() const { return action == "failed"; }
};

struct Report {
  ReportKind kind = ReportKind::none;
  std::string feedback_type;  ///< arf: abuse, opt-out, auth-failure, …
  std::string words;          ///< the human part without the returned message, at most 64 KiB
  std::vector<Reported> results;
  /// Forwarded by a person, or told to a server's own postmaster: about mail of anybody's.
  bool of_others = false;
};

/// Reads what came back to an envelope sender. Takes any bytes and every form of report that mail
/// servers are known to write (BOUNCE_RULES "What the reports look like"); what cannot be read as
/// a report is `none` without results. Bounded like take_apart(), and at most 100 results. Pure;
/// never throws but for memory.
Report read_report(std::string_view bytes);

}  // namespace ecrelay::mail
