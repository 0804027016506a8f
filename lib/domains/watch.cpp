#include "domains/watch.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "core/escape.h"
#include "domains/examination.h"
#include "domains/needs.h"
#include "log/events.h"
#include "mail/address.h"
#include "net/answer.h"

namespace ecrelay::domains {

namespace {

constexpr int at_a_time = 4;
constexpr std::chrono::milliseconds soon = std::chrono::seconds(10);
constexpr std::chrono::milliseconds waiting_pause = std::chrono::minutes(1);
/// All first looks fall into this time, so that a start is no storm of questions.
constexpr std::chrono::milliseconds first_round = std::chrono::minutes(10);

std::string record_name(const dns::Wanted& wanted) {
  std::string name(dns::text(wanted.purpose));
  if (!wanted.selector.empty()) name += " " + wanted.selector;
  return wanted.by_operator ? name + " (operator)" : name;
}

std::string joined(const std::vector<std::string>& remarks) {
  std::string text;
  for (const std::string& each : remarks) text += (text.empty() ? "" : "; ") + each;
  return text;
}

/// What nobody must publish is in order when it is absent.
bool counts(const dns::Finding& finding) {
  return finding.wanted.needed || finding.state != dns::State::absent;
}

void tell_record(const records::DnsRecord& record, std::string_view type, std::string_view was) {
  log::dns_found(log::DnsFinding{record.domain, record.record, record.name, type, record.state, was,
                                 record.remark});
}

void tell_keys(const dns::Keys& before, const dns::Keys& now) {
  for (const records::SigningKey& key : now) {
    const auto old = std::find_if(before.begin(), before.end(), [&](const auto& each) {
      return each.selector == key.selector && each.record == key.record;
    });
    if (old != before.end() && old->state == key.state) continue;
    const std::string_view was = old == before.end() ? "" : records::text(old->state);
    log::signing_key_changed(key.domain, key.selector, records::text(key.state), was);
  }
}

bool has_active(const dns::Keys& keys) {
  return std::any_of(keys.begin(), keys.end(), [](const records::SigningKey& key) {
    return key.state == records::KeyState::active;
  });
}

bool is_published(const records::SigningKey& key, const dns::Report& report) {
  return std::any_of(report.findings.begin(), report.findings.end(), [&](const auto& finding) {
    const dns::Wanted& wanted = finding.wanted;
    return finding.state == dns::State::ok && !wanted.by_operator &&
           wanted.selector == key.selector && wanted.key == key.record;
  });
}

}  // namespace

Watch::Watch(WatchPorts ports, store::Inquiry& inquiry)
    : ports_(std::move(ports)),
      changed_(ports_.executor),
      discharge_(ports_.executor, ports_.writer, ports_.released, inquiry) {
  for (records::SigningKey& key : inquiry.signing_keys("")) {
    std::string domain = key.domain;
    domains_[std::move(domain)].keys.push_back(std::move(key));
  }
  for (records::DnsRecord& record : inquiry.dns_records()) {
    std::string domain = record.domain;
    domains_[std::move(domain)].records.push_back(std::move(record));
  }
}

// --- the configuration --------------------------------------------------------------------

void Watch::adopt(std::shared_ptr<const config::Settings> settings, const ConfiguredKeys& keys) {
  settings_ = std::move(settings);
  discharge_.adopt(*settings_);
  for (auto& [name, watched] : domains_) watched.configured = false;
  if (!on()) return;
  const TimePoint at = now();
  static const std::vector<dns::ConfiguredKey> none;
  for (const config::Shop& shop : settings_->shops) {
    for (const config::Domain& domain : shop.domains) {
      const std::string name = mail::domain_key(domain.name);
      Watched& watched = domains_[name];
      watched.configured = true;
      watched.holds_back = domain.unpublished != config::Unpublished::sign;
      const auto configured = keys.find(name);
      adopt_keys(name, watched, configured == keys.end() ? none : configured->second, at);
    }
  }
  // The operator's keys have no life: they just sign, and their records are looked at.
  if (const auto& own = settings_->dkim.operator_keys) domains_[own->domain].configured = true;
  write_unsaved_keys();
  plan_first_looks();
  changed_.notify_all();
}

void Watch::adopt_keys(const std::string& domain, Watched& watched,
                       const std::vector<dns::ConfiguredKey>& configured, TimePoint at) {
  const auto first = watched.holds_back ? dns::Beginning::waiting : dns::Beginning::signing;
  dns::Keys next = dns::adopted(watched.keys, domain, configured, first, at, keep_until(at));
  if (next == watched.keys) return;
  tell_keys(watched.keys, next);
  watched.keys = std::move(next);
  watched.unsaved = true;
  watched.next = net::Deadline();
}

/// In one change; should it fail, the next look at each domain writes them and tells.
void Watch::write_unsaved_keys() {
  std::map<std::string, dns::Keys> unsaved;
  for (const auto& [name, watched] : domains_) {
    if (watched.unsaved) unsaved.emplace(name, watched.keys);
  }
  if (unsaved.empty()) return;
  ports_.writer.change(
      [unsaved = std::move(unsaved)](store::Transaction& change) {
        for (const auto& [name, keys] : unsaved) store::replace_signing_keys(change, name, keys);
      },
      [](const Result<void>&) {});
}

TimePoint Watch::keep_until(TimePoint at) const {
  return at + settings_->retry.expire + settings_->dkim.keep_replaced;
}

/// Domains with a key that waits first, the others one after the other.
void Watch::plan_first_looks() {
  const net::Deadline begin = net::after(std::chrono::milliseconds(0));
  const auto span = std::min<std::chrono::milliseconds>(*settings_->dns.check_every, first_round);
  std::size_t number = 0;
  for (auto& [name, watched] : domains_) {
    if (!watched.configured) continue;
    watched.next = std::min(watched.next, begin + *settings_->dns.check_every);
    if (watched.next != net::Deadline()) continue;
    const bool waits = std::any_of(watched.keys.begin(), watched.keys.end(), [](const auto& key) {
      return key.state == records::KeyState::pending;
    });
    const auto share = static_cast<std::int64_t>(waits ? 0 : number++);
    watched.next = begin + span * share / static_cast<std::int64_t>(domains_.size());
  }
}

bool Watch::signs(std::string_view domain, std::string_view selector) const {
  if (!on()) return true;
  const auto found = domains_.find(domain);
  if (found == domains_.end()) return false;
  const Watched& watched = found->second;
  if (!watched.holds_back && !has_active(watched.keys)) return true;
  return std::any_of(watched.keys.begin(), watched.keys.end(), [&](const auto& key) {
    return key.selector == selector && key.state == records::KeyState::active;
  });
}

std::vector<records::DnsRecord> Watch::records() const {
  std::vector<records::DnsRecord> all;
  if (!on()) return all;
  for (const auto& [name, watched] : domains_) {
    if (watched.configured) all.insert(all.end(), watched.records.begin(), watched.records.end());
  }
  return all;
}

// --- looking ------------------------------------------------------------------------------

void Watch::start(net::TaskGroup& tasks) {
  for (int i = 0; i < at_a_time; ++i) tasks.spawn(work());
  discharge_.start(tasks);
}

asio::awaitable<void> Watch::work() {
  for (;;) {
    const bool stop = co_await net::stop_requested();
    if (stop) co_return;
    auto first = domains_.end();
    for (auto each = domains_.begin(); each != domains_.end() && on(); ++each) {
      if (!each->second.configured || each->second.being_looked_at) continue;
      if (first == domains_.end() || each->second.next < first->second.next) first = each;
    }
    if (first == domains_.end()) {
      co_await changed_.wait();
    } else if (first->second.next > net::after(std::chrono::milliseconds(0))) {
      const net::Deadline next = first->second.next;
      co_await changed_.wait_until(next);
    } else {
      std::string name = first->first;
      co_await look(std::move(name));
    }
  }
}

/// The fence: whatever a look runs into, the next one comes.
asio::awaitable<void> Watch::look(std::string name) {
  Watched& watched = domains_[name];  // never erased
  watched.being_looked_at = true;
  watched.next = net::after(*settings_->dns.check_every);
  std::string trouble;
  try {
    co_await examine_and_note(name);
  } catch (const std::exception& failure) {
    trouble = failure.what();
  }
  watched.being_looked_at = false;
  if (!trouble.empty()) log::internal_error("dns", name + ": " + trouble);
  changed_.notify_all();
}

asio::awaitable<void> Watch::examine_and_note(std::string name) {
  Result<Domain> domain = find_domain(name, *settings_);
  if (!domain) co_return;
  const dns::Report report = co_await examine(std::move(*domain), settings_, std::nullopt);
  if (!on()) co_return;
  const TimePoint at = now();
  Watched& watched = domains_[name];
  note_records(name, watched, report, at);
  const bool activated = note_keys(name, watched, report, at);
  co_await age_keys(name, at);
  const bool more = co_await save(name, activated || watched.holds_back, at);
  if (on()) watched.next = net::after(pause_after(watched, activated || more));
}

/// Told is what changed; what is found for the first time, only when it is not in order.
void Watch::note_records(const std::string& name, Watched& watched, const dns::Report& report,
                         TimePoint at) {
  std::vector<records::DnsRecord> next;
  bool changed = false;
  for (const dns::Finding& finding : report.findings) {
    if (!counts(finding)) continue;
    records::DnsRecord record;
    record.domain = name;
    record.record = record_name(finding.wanted);
    record.name = finding.wanted.name;
    record.state = dns::text(finding.state);
    record.since = at;
    record.remark = printable(joined(finding.remarks), records::max_reply);
    const auto old =
        std::find_if(watched.records.begin(), watched.records.end(),
                     [&](const records::DnsRecord& each) { return each.record == record.record; });
    const bool known = old != watched.records.end();
    if (known && old->state == record.state) {
      record.since = old->since;
    } else {
      changed = true;
      if (known || finding.state != dns::State::ok)
        tell_record(record, dns::text(finding.wanted.type), known ? old->state : "");
    }
    next.push_back(std::move(record));
  }
  watched.unsaved |= changed || next.size() != watched.records.size();
  watched.records = std::move(next);
}

/// True when a key signs that did not before.
bool Watch::note_keys(const std::string& name, Watched& watched, const dns::Report& report,
                      TimePoint at) {
  const dns::Keys before = watched.keys;
  for (const records::SigningKey& key : before) {
    if (!is_published(key, report)) continue;
    watched.keys = dns::published(std::move(watched.keys), key.selector, at, keep_until(at));
  }
  if (watched.keys == before) return false;
  tell_keys(before, watched.keys);
  watched.unsaved = true;
  return true;
}

/// A key is needed for as long as mail waits that it has signed, whatever the calendar says.
asio::awaitable<void> Watch::age_keys(std::string name, TimePoint at) {
  const dns::Keys before = domains_[name].keys;
  for (const records::SigningKey& key : before) {
    if (key.state != records::KeyState::retiring || !key.until || *key.until > at) continue;
    auto asking = ports_.workers.run([book = ports_.book, name, selector = key.selector] {
      return store::Inquiry(book).has_open_mail_signed(name, selector);
    });
    const bool needed = co_await std::move(asking);
    if (needed) co_return;
  }
  Watched& watched = domains_[name];
  if (watched.keys != before) co_return;  // another configuration meanwhile
  watched.keys = dns::aged(before, at);
  if (watched.keys == before) co_return;
  tell_keys(before, watched.keys);
  watched.unsaved = true;
}

/// True when more may wait to be released.
asio::awaitable<bool> Watch::save(std::string name, bool release, TimePoint at) {
  Watched& watched = domains_[name];
  release = release && has_active(watched.keys);
  if (!watched.unsaved && !release) co_return false;
  std::function<void(store::Transaction&)> note =
      [name, keys = watched.keys, found = watched.records](store::Transaction& change) {
        store::replace_signing_keys(change, name, keys);
        store::replace_dns_records(change, name, found);
      };
  watched.unsaved = false;
  const std::size_t most = release ? released_at_once : 0;
  const Result<std::size_t> done =
      co_await release_held(ports_.writer, name, at, most, ports_.released, std::move(note));
  if (!done) {
    watched.unsaved = true;
    log::store_trouble("note what DNS has", done.error().detail);
    co_return release;
  }
  co_return release&&* done == most;
}

/// A message that was on its way into the book when its key became active is found soon after, and
/// so are those that were too many for one change.
std::chrono::milliseconds Watch::pause_after(const Watched& watched, bool released) const {
  const std::chrono::milliseconds usual = *settings_->dns.check_every;
  if (released) return std::min(usual, soon);
  const bool waits =
      std::any_of(watched.keys.begin(), watched.keys.end(),
                  [](const auto& key) { return key.state == records::KeyState::pending; }) ||
      std::any_of(watched.records.begin(), watched.records.end(),
                  [](const auto& each) { return each.state == "waiting"; });
  return waits ? std::min(usual, waiting_pause) : usual;
}

}  // namespace ecrelay::domains
