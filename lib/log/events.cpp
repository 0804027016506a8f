#include "log/events.h"

#include <array>
#include <atomic>

#include "log/line.h"

namespace ecrelay::log {
namespace {

std::atomic<std::uint64_t> dry_runs = 0;

// In the order of enum Event. A test holds each row against what its function writes.
constexpr auto table = std::to_array<EventInfo>({
    {"start", Level::info, "version config", "the daemon starts"},
    {"ready", Level::info, "ms", "every listener is open"},
    {"listen", Level::info, "address tls", "a listener is open"},
    {"config_warning", Level::warning, "text", "the configuration is valid, and looks like a slip"},
    {"reload", Level::info, "config changes", "the new configuration is in force"},
    {"reload_failed", Level::error, "config text", "the old configuration stays in force"},
    {"setting", Level::info, "key change before after", "what a reload has changed"},
    {"stop", Level::info, "reason ms", "the daemon has stopped"},
    {"internal_error", Level::error, "where text", "a defect: please report it with this line"},
    {"accept_paused", Level::error, "where text",
     "no more connections can be taken until some are closed: descriptors or memory are used up"},
    {"log_lost", Level::error, "lines text", "lines are missing before this one, and why"},
    {"connect_refused", Level::warning, "session client host code enhanced text reason",
     "a client got no banner"},
    {"session", Level::info, "session client host messages rejects tls user end ms",
     "a session has ended"},
    {"tls_failed", Level::warning, "session client host text", "a client's handshake failed"},
    {"auth_failed", Level::warning, "session client host user pause_ms", "a login was wrong"},
    {"repeated", Level::warning, "of client lines",
     "so many lines of the event `of` about this client were left out within a minute"},
    {"accept", Level::info,
     "id shop host session sender recipients suppressed size message_id mode ms",
     "a message is stored, and 250 was answered"},
    {"reject", Level::info,
     "session client host shop stage sender recipient code enhanced text reason",
     "MAIL, RCPT or a message was refused"},
    {"suppressed_drop", Level::info, "id rcpt shop host session sender recipient entry",
     "a recipient is on the suppression list: not sent, not charged"},
    {"sent", Level::info,
     "id rcpt shop sender recipient upstream server attempt code enhanced text ms",
     "the upstream took the message for this recipient"},
    {"defer", Level::info,
     "id rcpt shop sender recipient upstream server attempt code enhanced text ms reason due",
     "it will be tried again"},
    {"hold", Level::warning,
     "id rcpt shop sender recipient upstream server attempt code enhanced text ms reason",
     "it may have been delivered, and the shop decides what becomes of it"},
    {"bounce", Level::info,
     "id rcpt shop sender recipient upstream server attempt code enhanced text ms reason",
     "it has failed for good"},
    {"expire", Level::warning,
     "id rcpt shop sender recipient upstream server attempt code enhanced text ms",
     "its time is over; code and text are of the last attempt"},
    {"report_queued", Level::info, "id report shop recipient",
     "the sender of a message is told by mail what became of it"},
    {"charge_failed", Level::error, "id rcpt shop sender recipient upstream server attempt ms text",
     "it was sent, and the book could not take the charge"},
    {"upstream_trouble", Level::warning, "upstream server stage code enhanced text",
     "a server of an upstream cannot be used now"},
    {"suppress", Level::info, "entry shop recipient reason dry_run id code enhanced text",
     "an address is put on the suppression list"},
    {"suppress_clear", Level::info, "entry shop recipient reason actor",
     "an address is taken off the suppression list"},
    {"wave", Level::error, "domain unknown finals",
     "too many addresses of a domain are said not to exist: they are parked, somebody must look"},
    {"report", Level::info, "id rcpt shop recipient action decision code enhanced text reason",
     "a report came back and was read"},
    {"report_kept_back", Level::warning, "id shop recipient reason",
     "a report is in the book and was not passed on to the sender (recipient)"},
    {"store_trouble", Level::error, "operation text", "the book or the spool failed"},
    {"clock", Level::warning, "by", "somebody set the clock of this machine"},
    {"store_recovered", Level::info, "text", "the book and the spool can be written again"},
    {"dns", Level::warning, "domain record name type state was text",
     "a record that a shop should publish is not in order; ecrelayctl dns check says more"},
    {"dns_ok", Level::info, "domain record name type state was text",
     "a record that a shop should publish is in order again"},
    {"dkim", Level::info, "domain selector state was",
     "a key waits for DNS, signs, is replaced, or may be removed"},
    {"month_closed", Level::info, "month actor yen sha256", "a month is closed for good"},
    {"limit", Level::warning, "shop limit used of percent until",
     "a shop has used so much of its day or month; at 100 its mail gets 452"},
    {"admin", Level::info, "actor command text", "a person did something"},
});
static_assert(table.size() == event_kinds);

constexpr std::uint64_t count_of(Duration duration) {
  return duration.count() < 0 ? 0 : static_cast<std::uint64_t>(duration.count());
}

std::string_view path(std::string_view sender) { return sender.empty() ? "<>" : sender; }

}  // namespace

std::span<const EventInfo> reference() { return table; }

const EventInfo& info(Event event) { return table[static_cast<std::size_t>(event)]; }

Line& Line::add(const Peer& peer) {
  if (!on_) return *this;
  return add("session", peer.session).add("client", peer.address.text()).add("host", peer.host);
}

Line& Line::add(const Delivery& delivery) {
  if (!on_) return *this;
  return add("id", delivery.id.text())
      .add_if("rcpt", delivery.rcpt)
      .add("shop", delivery.shop)
      .add("sender", path(delivery.sender))
      .add("recipient", delivery.recipient)
      .add("upstream", delivery.upstream)
      .add("server", delivery.server)
      .add_if("attempt", delivery.attempt);
}

Line& Line::add(const Answer& answer) {
  return add_if("code", answer.code < 0 ? 0 : static_cast<std::uint64_t>(answer.code))
      .add("enhanced", answer.enhanced)
      .add("text", answer.text);
}

void started(std::string_view version, std::string_view config) {
  Line(Event::start).add("version", version).add("config", config).write();
}

void ready(Duration ms) { Line(Event::ready).add_number("ms", count_of(ms)).write(); }

void listening(std::string_view address, std::string_view tls) {
  Line(Event::listen).add("address", address).add("tls", tls).write();
}

void config_warning(std::string_view text) {
  Line(Event::config_warning).add("text", text).write();
}

void reloaded(std::string_view config, std::uint64_t changes) {
  Line(Event::reload).add("config", config).add_number("changes", changes).write();
}

void reload_failed(std::string_view config, std::string_view problem) {
  Line(Event::reload_failed).add("config", config).add("text", problem).write();
}

void setting_changed(std::string_view key, std::string_view change, std::string_view before,
                     std::string_view after) {
  Line(Event::setting)
      .add("key", key)
      .add("change", change)
      .add("before", before)
      .add("after", after)
      .write();
}

void stopped(std::string_view reason, Duration ms) {
  Line(Event::stop).add("reason", reason).add_number("ms", count_of(ms)).write();
}

void internal_error(std::string_view where, std::string_view text) {
  Line(Event::internal_error).add("where", where).add("text", text).write();
}

void accept_paused(std::string_view where, std::string_view text) {
  Line(Event::accept_paused).add("where", where).add("text", text).write();
}

void connect_refused(const Peer& peer, const Answer& answer, std::string_view reason) {
  Line(Event::connect_refused, peer.address).add(peer).add(answer).add("reason", reason).write();
}

void session_ended(const Peer& peer, const SessionSummary& summary) {
  Line(Event::session)
      .add(peer)
      .add_number("messages", summary.messages)
      .add_number("rejects", summary.rejects)
      .add("tls", summary.tls)
      .add("user", summary.user)
      .add("end", summary.end)
      .add_number("ms", count_of(summary.ms))
      .write();
}

void tls_failed(const Peer& peer, std::string_view text) {
  Line(Event::tls_failed, peer.address).add(peer).add("text", text).write();
}

void auth_failed(const Peer& peer, std::string_view user, Duration pause) {
  Line(Event::auth_failed, peer.address)
      .add(peer)
      .add("user", user)
      .add_number("pause_ms", count_of(pause))
      .write();
}

void lines_left_out(std::string_view event, std::string_view client, std::uint64_t lines) {
  Line(Event::repeated).add("of", event).add("client", client).add_number("lines", lines).write();
}

void message_accepted(const Mail& mail, const Acceptance& acceptance) {
  Line(Event::accept)
      .add("id", mail.id.text())
      .add("shop", mail.shop)
      .add("host", mail.host)
      .add("session", mail.session)
      .add("sender", path(mail.sender))
      .add_number("recipients", acceptance.recipients)
      .add_number("suppressed", acceptance.suppressed)
      .add_number("size", acceptance.size)
      .add("message_id", acceptance.message_id)
      .add("mode", acceptance.mode)
      .add_number("ms", count_of(acceptance.ms))
      .write();
}

void message_rejected(const Peer& peer, const Rejection& rejection, const Answer& answer) {
  Line(Event::reject)
      .add(peer)
      .add("shop", rejection.shop)
      .add("stage", rejection.stage)
      .add("sender", rejection.sender)
      .add("recipient", rejection.recipient)
      .add(answer)
      .add("reason", rejection.reason)
      .write();
}

void suppressed_dropped(const Mail& mail, std::uint64_t rcpt, std::string_view recipient,
                        std::string_view entry) {
  Line(Event::suppressed_drop)
      .add("id", mail.id.text())
      .add_if("rcpt", rcpt)
      .add("shop", mail.shop)
      .add("host", mail.host)
      .add("session", mail.session)
      .add("sender", path(mail.sender))
      .add("recipient", recipient)
      .add("entry", entry)
      .write();
}

void message_sent(const Delivery& delivery, const Answer& answer) {
  Line(Event::sent).add(delivery).add(answer).add_number("ms", count_of(delivery.ms)).write();
}

void message_deferred(const Delivery& delivery, const Answer& answer, std::string_view reason,
                      TimePoint due) {
  Line(Event::defer)
      .add(delivery)
      .add(answer)
      .add_number("ms", count_of(delivery.ms))
      .add("reason", reason)
      .add("due", timestamp(due))
      .write();
}

void message_held(const Delivery& delivery, const Answer& answer, std::string_view reason) {
  Line(Event::hold)
      .add(delivery)
      .add(answer)
      .add_number("ms", count_of(delivery.ms))
      .add("reason", reason)
      .write();
}

void message_bounced(const Delivery& delivery, const Answer& answer, std::string_view reason) {
  Line(Event::bounce)
      .add(delivery)
      .add(answer)
      .add_number("ms", count_of(delivery.ms))
      .add("reason", reason)
      .write();
}

void message_expired(const Delivery& delivery, const Answer& last) {
  Line(Event::expire).add(delivery).add(last).add_number("ms", count_of(delivery.ms)).write();
}

void report_queued(const Ulid& id, const Ulid& report, std::string_view shop,
                   std::string_view recipient) {
  Line(Event::report_queued)
      .add("id", id.text())
      .add("report", report.text())
      .add("shop", shop)
      .add("recipient", recipient)
      .write();
}

void charge_failed(const Delivery& delivery, std::string_view text) {
  Line(Event::charge_failed)
      .add(delivery)
      .add_number("ms", count_of(delivery.ms))
      .add("text", text)
      .write();
}

void upstream_trouble(std::string_view upstream, std::string_view server, std::string_view stage,
                      const Answer& answer) {
  Line(Event::upstream_trouble)
      .add("upstream", upstream)
      .add("server", server)
      .add("stage", stage)
      .add(answer)
      .write();
}

std::uint64_t suppressed_in_dry_run() { return dry_runs; }

void suppressed(const ListEntry& entry, std::optional<Ulid> id, const Answer& evidence) {
  if (entry.dry_run) ++dry_runs;
  Line(Event::suppress)
      .add("entry", entry.entry)
      .add("shop", entry.shop)
      .add("recipient", entry.recipient)
      .add("reason", entry.reason)
      .add("dry_run", entry.dry_run ? "true" : "")
      .add("id", id ? id->text() : std::string())
      .add(evidence)
      .write();
}

void suppression_cleared(const ListEntry& entry, std::string_view actor) {
  Line(Event::suppress_clear)
      .add("entry", entry.entry)
      .add("shop", entry.shop)
      .add("recipient", entry.recipient)
      .add("reason", entry.reason)
      .add("actor", actor)
      .write();
}

void wave_parked(std::string_view domain, std::uint64_t unknown, std::uint64_t finals) {
  Line(Event::wave)
      .add("domain", domain)
      .add_number("unknown", unknown)
      .add_number("finals", finals)
      .write();
}

void report_read(const ReportSummary& report, const Answer& answer, std::string_view reason) {
  Line(Event::report)
      .add("id", report.id.text())
      .add_if("rcpt", report.rcpt)
      .add("shop", report.shop)
      .add("recipient", report.recipient)
      .add("action", report.action)
      .add("decision", report.decision)
      .add(answer)
      .add("reason", reason)
      .write();
}

void report_kept_back(const Ulid& id, std::string_view shop, std::string_view recipient,
                      std::string_view reason) {
  Line(Event::report_kept_back)
      .add("id", id.text())
      .add("shop", shop)
      .add("recipient", recipient)
      .add("reason", reason)
      .write();
}

void store_trouble(std::string_view operation, std::string_view text) {
  Line(Event::store_trouble).add("operation", operation).add("text", text).write();
}

void clock_set(Duration by) {
  Line(Event::clock)
      .add("by", (by < Duration(0) ? "-" : "+") + ecrelay::to_text(std::chrono::abs(by)))
      .write();
}

void store_recovered(std::string_view text) {
  Line(Event::store_recovered).add("text", text).write();
}

void dns_found(const DnsFinding& finding) {
  Line(finding.state == "ok" ? Event::dns_ok : Event::dns)
      .add("domain", finding.domain)
      .add("record", finding.record)
      .add("name", finding.name)
      .add("type", finding.type)
      .add("state", finding.state)
      .add("was", finding.was)
      .add("text", finding.text)
      .write();
}

void signing_key_changed(std::string_view domain, std::string_view selector, std::string_view state,
                         std::string_view was) {
  Line(Event::dkim)
      .add("domain", domain)
      .add("selector", selector)
      .add("state", state)
      .add("was", was)
      .write();
}

void month_closed(std::string_view month, std::string_view actor, std::string_view yen,
                  std::string_view sha256) {
  Line(Event::month_closed)
      .add("month", month)
      .add("actor", actor)
      .add("yen", yen)
      .add("sha256", sha256)
      .write();
}

void limit_used(const LimitUse& use) {
  Line(Event::limit)
      .add("shop", use.shop)
      .add("limit", use.limit)
      .add("used", use.used)
      .add("of", use.of)
      .add_number("percent", use.percent)
      .add("until", timestamp(use.until))
      .write();
}

void admin_acted(std::string_view actor, std::string_view command, std::string_view text) {
  Line(Event::admin).add("actor", actor).add("command", command).add("text", text).write();
}

}  // namespace ecrelay::log
