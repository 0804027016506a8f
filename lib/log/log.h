#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"

/// The daemon's own log: one event a line, JSON or logfmt (log/events.h is the list). This is
/// the one global of the program: events come from every thread and need no object in hand.
///
/// Lines are formatted by the caller and written by one thread behind a bounded queue, so a slow
/// disk or a full pipe never holds up mail: when the queue is full its oldest lines are
/// dropped, counted, and told by an event `log_lost`. Before start() and after stop() events
/// are dropped in silence.
namespace ecrelay::log {

enum class Level { debug, info, warning, error };
enum class Format { json, text };

struct Options {
  Level level = Level::info;  ///< events below are not written
  Format format = Format::json;
  std::string target = "stdout";  ///< "stdout" or "file:PATH", appended to, created 0640
  std::string node;               ///< in every line
  /// Local parts of addresses are shortened ("h***@customer.example"), in replies of servers too.
  bool mask_addresses = false;
  /// Lines of one refusal and client; what comes beyond is counted (event `repeated`). 0: all.
  std::uint32_t refusals_per_minute = 10;
  /// A line begins with its priority, "<4>": the journal of systemd takes that for its own. start()
  /// sets it when stdout leads there.
  bool priorities = false;
};

/// Where lines go instead of a target; for tests and tools. Called from whichever thread tells
/// the event, one call at a time. `line` ends without a newline.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void write(std::string_view line) = 0;
};

/// Opens the target. `invalid` for a target of neither form, `unavailable` with the system's
/// words when the file cannot be opened. start() and stop() while other threads tell events are
/// not allowed; everything else is.
Result<void> start(const Options& options);
/// Lines go straight to `sink` in the telling thread, without queue.
void start(const Options& options, std::shared_ptr<Sink> sink);
/// Writes what is queued, then closes.
void stop();

/// After logrotate has moved the file away: the file is opened anew before the next line. When
/// that fails lines go on into the old file, and the event `log_lost` says why. Returns at once.
void reopen();
/// What a reload may change; target and node need a restart.
void set_level(Level level);
void set_format(Format format);
void set_masking(bool mask_addresses);
void set_refusals(std::uint32_t a_minute);
/// Tells of refusals that were left out by minutes which are over. To be called now and then.
void tell_repeated(std::chrono::steady_clock::time_point at);
/// Lines that were dropped or could not be written since start().
std::size_t lost();

std::string_view to_text(Level level);  ///< "debug", "info", "warning", "error"

}  // namespace ecrelay::log
