#include "control/metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "control/exposition.h"
#include "log/events.h"
#include "store/accounts.h"

namespace ecrelay::control {
namespace {

/// Records that are not in order and are named.
constexpr std::size_t most_named_records = 1000;

void single(Exposition& out, std::string_view name, std::string_view help, std::uint64_t value) {
  out.gauge(name, help);
  out.sample(value);
}

void count(Exposition& out, std::string_view name, std::string_view help, std::uint64_t value) {
  out.counter(name, help);
  out.sample(value);
}

std::chrono::microseconds cpu_time(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

std::uint64_t resident_bytes() {
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t open_descriptors() {
  std::error_code failed;
  std::uint64_t open = 0;
  std::filesystem::directory_iterator each("/proc/self/fd", failed);
  for (; !failed && each != std::filesystem::directory_iterator(); each.increment(failed)) ++open;
  return open;
}

/// Under the names that every Prometheus client library gives them.
void add_process(Exposition& out, const Status& status) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  out.counter("process_cpu_seconds_total", "User and system time of the process.");
  out.seconds(cpu_time(usage.ru_utime) + cpu_time(usage.ru_stime));
  single(out, "process_resident_memory_bytes", "Memory in use.", resident_bytes());
  single(out, "process_open_fds", "Open descriptors.", open_descriptors());
  single(out, "process_max_fds", "Descriptors that may be open.", limit.rlim_cur);
  out.gauge("process_start_time_seconds", "When this process began, in Unix time.");
  out.at(status.up_since);
}

void add_daemon(Exposition& out, const Status& status) {
  out.gauge("ecrelay_build_info", "The running version.");
  out.sample(1, {{"version", status.version}});
  out.gauge("ecrelay_start_time_seconds", "When this process began to serve, in Unix time.");
  out.at(status.up_since);
  single(out, "ecrelay_accepting_mail", "1 while new mail is accepted.", status.accepting ? 1 : 0);
  out.gauge("ecrelay_certificate_expiry_timestamp_seconds",
            "When the certificate of a listener ends, in Unix time.");
  for (const ListenerStatus& each : status.listeners) {
    if (each.certificate_ends) out.at(*each.certificate_ends, {{"listener", each.address}});
  }
}

using Events = std::map<std::string_view, log::EventCount>;

void add_events(Exposition& out, const Events& events) {
  out.counter("ecrelay_events_total", "Events of the log by name, told or not (ecrelayd(8)).");
  for (const auto& [name, each] : events) out.sample(each.count, {{"event", name}});
}

std::optional<TimePoint> last_of(const Events& events, std::string_view event) {
  const auto found = events.find(event);
  return found == events.end() ? std::nullopt : found->second.last;
}

std::uint64_t count_of(const Events& events, std::string_view event) {
  const auto found = events.find(event);
  return found == events.end() ? 0 : found->second.count;
}

void add_reports(Exposition& out, const Status& status, const Events& events) {
  count(out, "ecrelay_reports_read_total", "Bounces and complaints that came back by mail.",
        count_of(events, "report"));
  out.counter("ecrelay_reports_refused_total", "What the reports listener refused for good.");
  for (const ReasonTotal& each : status.reports_refused)
    out.sample(each.times, {{"reason", each.reason}});
  out.counter("ecrelay_reports_put_off_total", "What the reports listener told to come again.");
  for (const ReasonTotal& each : status.reports_put_off)
    out.sample(each.times, {{"reason", each.reason}});
}

void add_changes(Exposition& out, const Status& status, const Events& events) {
  const TimePoint good = last_of(events, "reload").value_or(status.up_since);
  const auto bad = last_of(events, "reload_failed");
  single(out, "ecrelay_config_last_reload_successful", "0 when the last reload was refused.",
         bad && *bad > good ? 0 : 1);
  out.gauge("ecrelay_config_last_reload_success_timestamp_seconds",
            "Since when the configuration is in force, in Unix time.");
  out.at(good);
  out.counter("ecrelay_suppression_changes_total",
              "Entries put on the suppression list and taken off.");
  const std::uint64_t suppressed = count_of(events, "suppress");
  const std::uint64_t dry_runs = std::min(suppressed, log::suppressed_in_dry_run());
  out.sample(suppressed - dry_runs, {{"change", "listed"}});
  out.sample(dry_runs, {{"change", "dry_run"}});
  out.sample(count_of(events, "suppress_clear"), {{"change", "cleared"}});
  single(out, "ecrelay_suppression_parked",
         "Addresses of a wave of unknown users that wait for somebody to decide.", status.parked);
}

void add_intake(Exposition& out, const Status& status) {
  const Totals& totals = status.totals;
  single(out, "ecrelay_sessions", "SMTP sessions open now.", status.sessions);
  count(out, "ecrelay_sessions_total", "SMTP sessions.", totals.sessions);
  count(out, "ecrelay_connections_refused_total", "Connections that got no banner.",
        totals.connections_refused);
  count(out, "ecrelay_messages_accepted_total", "Messages stored and answered 250.",
        totals.messages_accepted);
  count(out, "ecrelay_messages_rejected_total", "Refusals at MAIL, RCPT or after the dot.",
        totals.messages_rejected);
  count(out, "ecrelay_recipients_accepted_total", "Recipients of stored messages.",
        totals.recipients_accepted);
  out.histograms("ecrelay_smtp_reply_seconds",
                 "From a command, or the end of a body, to the reply.");
  for (const VerbStatus& each : status.verbs) out.histogram(each.replies, {{"verb", each.verb}});
  out.histograms("ecrelay_signing_seconds", "What a message waited for its DKIM signatures.");
  out.histogram(status.signing);
}

void add_dispatch(Exposition& out, const Status& status) {
  const Totals& totals = status.totals;
  single(out, "ecrelay_queue_recipients", "Recipients waiting or being tried.", status.queued);
  single(out, "ecrelay_deliveries_in_flight", "Recipients being tried now.", status.in_flight);
  out.counter("ecrelay_recipients_total", "Recipients that ended, by outcome.");
  out.sample(totals.recipients_sent, {{"outcome", "sent"}});
  out.sample(totals.recipients_bounced, {{"outcome", "bounced"}});
  out.sample(totals.recipients_suppressed, {{"outcome", "suppressed"}});
  out.sample(totals.recipients_expired, {{"outcome", "expired"}});
  count(out, "ecrelay_deferrals_total", "Attempts that are to be repeated.",
        totals.recipients_deferred);
  count(out, "ecrelay_in_doubt_total", "Attempts whose answer was lost after the body.",
        totals.recipients_in_doubt);
  count(out, "ecrelay_reports_queued_total", "Our reports to senders.", totals.reports_queued);
  out.counter("ecrelay_charged_yen_total", "Charges for what was sent, before corrections.");
  out.exact(totals.charged.exact());
}

std::uint64_t closed_servers(const UpstreamStatus& upstream) {
  return static_cast<std::uint64_t>(
      std::count_if(upstream.servers.begin(), upstream.servers.end(),
                    [](const ServerStatus& server) { return server.closed_until.has_value(); }));
}

void add_upstreams(Exposition& out, const Status& status) {
  const auto each_upstream = [&](auto&& add) {
    for (const UpstreamStatus& each : status.upstreams)
      add(each, Exposition::Labels{{"upstream", each.name}});
  };
  out.gauge("ecrelay_upstream_waiting_messages", "Messages that wait for an upstream.");
  each_upstream([&](const auto& each, const auto& labels) { out.sample(each.waiting, labels); });
  out.gauge("ecrelay_upstream_parked_messages", "Of them, those that wait for their domain.");
  each_upstream([&](const auto& each, const auto& labels) { out.sample(each.parked, labels); });
  out.gauge("ecrelay_upstream_slowed_domains", "Recipient domains that asked for less.");
  each_upstream([&](const auto& each, const auto& labels) { out.sample(each.slowed, labels); });
  out.gauge("ecrelay_upstream_connections", "Connections open to an upstream.");
  each_upstream(
      [&](const auto& each, const auto& labels) { out.sample(each.connections, labels); });
  out.gauge("ecrelay_upstream_connections_limit", "Connections that may be open to it.");
  each_upstream([&](const auto& each, const auto& labels) { out.sample(each.limit, labels); });
  out.gauge("ecrelay_upstream_servers", "Servers of an upstream.");
  each_upstream(
      [&](const auto& each, const auto& labels) { out.sample(each.servers.size(), labels); });
  out.gauge("ecrelay_upstream_servers_closed", "Of them, those that are left alone now.");
  each_upstream(
      [&](const auto& each, const auto& labels) { out.sample(closed_servers(each), labels); });
  out.histograms("ecrelay_delivery_attempt_seconds", "What an attempt took.");
  each_upstream(
      [&](const auto& each, const auto& labels) { out.histogram(each.attempts, labels); });
  out.histograms("ecrelay_delivery_delay_seconds", "From acceptance to sent, by recipient.");
  each_upstream([&](const auto& each, const auto& labels) { out.histogram(each.delays, labels); });
}

void add_store(Exposition& out, const Status& status) {
  out.histograms("ecrelay_store_commit_seconds", "What a transaction of the book took.");
  out.histogram(status.writer.commits);
  out.histograms("ecrelay_store_spool_sync_seconds", "What a sync of the spool took.");
  out.histogram(status.writer.syncs);
  out.histograms("ecrelay_store_batch_items", "Changes in a transaction.");
  out.histogram(status.writer.batch_sizes);
  single(out, "ecrelay_store_waiting", "Changes not yet taken by the store thread.",
         status.writer.waiting);
  single(out, "ecrelay_store_broken", "1 after a fault that ended the writer.",
         status.writer_broken ? 1 : 0);
  single(out, "ecrelay_disk_free_bytes", "Free where the state is kept.", status.space.free);
  single(out, "ecrelay_disk_size_bytes", "Size of the file system of the state.",
         status.space.total);
}

void add_figures(Exposition& out, const BookFigures& figures, TimePoint now) {
  out.gauge("ecrelay_queue_state_recipients", "Recipients in the book that are not yet ended.");
  out.sample(static_cast<std::uint64_t>(figures.queue.queued), {{"state", "queued"}});
  out.sample(static_cast<std::uint64_t>(figures.queue.held), {{"state", "held"}});
  const Duration age = figures.queue.oldest ? now - *figures.queue.oldest : Duration(0);
  out.gauge("ecrelay_queue_oldest_age_seconds", "Since the oldest queued message was accepted.");
  out.seconds(std::max(age, Duration(0)));
  out.gauge("ecrelay_months", "JST months by state.");
  out.sample(figures.open_months, {{"state", "open"}});
  out.sample(figures.closed_months, {{"state", "closed"}});
  single(out, "ecrelay_month_charges", "Charges of the current month, all shops.",
         static_cast<std::uint64_t>(figures.month.charges));
  single(out, "ecrelay_month_reversals", "Reversals of the current month.",
         static_cast<std::uint64_t>(figures.month.reversals));
  out.gauge("ecrelay_month_yen", "Sums of the current month; reversals are not positive.");
  out.exact(figures.month.amount.exact(), {{"sum", "charged"}});
  out.exact(figures.month.reversed.exact(), {{"sum", "reversed"}});
  out.exact(figures.month.net().exact(), {{"sum", "net"}});
}

void add_dns(Exposition& out, const std::vector<records::DnsRecord>& dns) {
  std::map<std::string_view, std::uint64_t> states{{"ok", 0}};
  for (const records::DnsRecord& each : dns) ++states[each.state];
  out.gauge("ecrelay_dns_records", "Records that shops must publish, by what was found last.");
  for (const auto& [state, number] : states) out.sample(number, {{"state", state}});
  out.gauge("ecrelay_dns_record_state", "1 for a record that is not in order.");
  std::size_t named = 0;
  for (const records::DnsRecord& each : dns) {
    if (each.state == "ok" || ++named > most_named_records) continue;
    out.sample(1, {{"domain", each.domain}, {"record", each.record}, {"state", each.state}});
  }
}

}  // namespace

BookFigures read_figures(const std::string& book, TimePoint now) {
  store::Inquiry inquiry(book);
  store::Accounts accounts = inquiry.accounts();
  BookFigures figures;
  figures.queue = inquiry.totals();
  const std::chrono::year_month month = billing_month(now);
  store::UsageQuery query;
  query.from = month / 1;
  query.to = month / std::chrono::last;
  figures.month = inquiry.total(query);
  figures.closed_months = accounts.closed_months().size();
  const auto first = accounts.first_month().value_or(month);
  const auto all = static_cast<std::uint64_t>((std::max(month, first) - first).count()) + 1;
  figures.open_months = all - std::min(all, figures.closed_months);
  return figures;
}

std::string metrics(const Status& status, const std::vector<records::DnsRecord>& dns,
                    const std::optional<BookFigures>& figures, TimePoint now) {
  Events events;
  for (const log::EventCount& each : log::counts()) events.emplace(each.event, each);
  Exposition out;
  add_daemon(out, status);
  add_process(out, status);
  add_events(out, events);
  add_changes(out, status, events);
  add_reports(out, status, events);
  add_intake(out, status);
  add_dispatch(out, status);
  add_upstreams(out, status);
  add_store(out, status);
  if (figures) add_figures(out, *figures, now);
  add_dns(out, dns);
  return out.take();
}

}  // namespace ecrelay::control
