#include "intake/acceptor.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <span>
#include <utility>

#include "core/escape.h"
#include "dkim/signer.h"
#include "log/events.h"
#include "mail/compose.h"
#include "mail/encoded_word.h"
#include "mail/header.h"
#include "mail/submission.h"
#include "net/answer.h"
#include "smtp/server_event.h"
#include "store/domains.h"

namespace ecrelay::intake {
namespace {

using smtp::Reply;

/// A line of RFC 5322; a header field may have 256 KiB, and the book keeps it for years, twice.
constexpr std::size_t longest_message_id = 998;

/// What a fault of the header answers (CONTRACT "SMTP"; the codes that it does not name are those
/// of RFC 3463 for content that cannot be taken).
Reply reply_to(const mail::Fault& fault) {
  switch (fault.kind) {
    case mail::Fault::Kind::missing_from:
    case mail::Fault::Kind::several_from:
    case mail::Fault::Kind::bad_from:
      return Reply(550, "5.7.1", fault.text);
    case mail::Fault::Kind::loop:
      return Reply(554, "5.4.6", fault.text);
    case mail::Fault::Kind::stray_line:
    case mail::Fault::Kind::repeated_field:
    case mail::Fault::Kind::bad_option:
      break;
  }
  return Reply(554, "5.6.0", fault.text);
}

std::vector<std::string> domains_of(const std::vector<mail::Address>& addresses) {
  std::vector<std::string> domains;
  for (const mail::Address& address : addresses) domains.emplace_back(address.domain());
  return domains;
}

std::string field_text(const mail::HeaderSection& header, std::string_view name) {
  const mail::Field* field = header.find(name);
  return field == nullptr ? std::string() : mail::unfolded(field->value);
}

std::string summary(const std::vector<dkim::Identity>& identities) {
  std::string text;
  for (const dkim::Identity& identity : identities) {
    if (!text.empty()) text += ", ";
    text += "d=" + identity.domain + " s=" + identity.selector +
            " a=" + std::string(dkim::name(identity.key.algorithm()));
  }
  return text;
}

Duration since(net::Deadline began) {
  return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began);
}

/// An exception would end the process, where the thread that signs is not ours to catch it.
Result<std::string> signed_by(const dkim::Signer& signer, std::string_view head,
                              std::span<const std::string_view> body,
                              std::span<const dkim::Identity> identities, TimePoint at) {
  try {
    return signer.sign(head, body, identities, at);
  } catch (const std::exception& error) {
    return unavailable(error.what());
  }
}

const Reply not_stored(451, "4.3.0",
                       "temporary trouble here, the message was not stored; try again");

}  // namespace

/// A message counted for its shop's day while it is being stored; however that fails, it counts
/// no more.
class Reservation {
 public:
  Reservation(policy::ShopMeter& meter, TimePoint at) : meter_(meter), at_(at) {}
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  ~Reservation() {
    if (!kept_) meter_.release(at_);
  }

  void keep() { kept_ = true; }

 private:
  policy::ShopMeter& meter_;
  TimePoint at_;
  bool kept_ = false;
};

Reply over_limit(const policy::Allowance& allowance) {
  return Reply(452, "4.7.1",
               "the shop's sending limit is reached until " + timestamp(allowance.until));
}

/// A message on its way through the acceptor. `submission` and `header` look into `message`, which
/// therefore stays where it is until the header has been written anew.
struct Acceptor::Draft {
  Draft(const Client& from, Envelope with, std::string bytes)
      : client(from), envelope(std::move(with)), message(std::move(bytes)) {}
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  const Client& client;
  Envelope envelope;
  std::string message;
  net::Deadline began = std::chrono::steady_clock::now();
  TimePoint at = now();
  Ulid id = new_ulid(at);
  const policy::Shop* shop = nullptr;
  mail::HeaderSection header;
  mail::Submission submission;
  Signing signing;
  store::Acceptance kept;  ///< what is stored; the store has it from store() to the answer
};

/// What became of a draft on its way through signer and store.
struct Acceptor::Submitted {
  explicit Submitted(Result<store::AcceptOutcome> became) : outcome(std::move(became)) {}

  Result<store::AcceptOutcome> outcome;  ///< the error says why it could not be signed
  std::optional<std::chrono::steady_clock::duration> signing;  ///< the wait for a signer included
};

asio::awaitable<Reply> Acceptor::accept(const Client& client, Envelope& envelope,
                                        std::string& message) {
  Draft draft(client, std::move(envelope), std::move(message));
  if (auto refusal = judge(draft)) co_return std::move(*refusal);
  compose(draft);
  co_return co_await store(draft);
}

std::optional<Reply> Acceptor::judge(Draft& draft) const {
  const config::Limits& limits = site_.settings.limits;
  mail::HeaderLimits header_limits;
  header_limits.bytes = limits.header_size.bytes;
  header_limits.fields = limits.header_fields;
  auto header = mail::HeaderSection::scan(draft.message, header_limits);
  if (!header) return refuse(draft, Reply(552, "5.3.4", header.error().detail), "header limits");
  draft.header = std::move(*header);

  mail::LoopLimits loop_limits;
  loop_limits.received = limits.received_hops;
  draft.submission = mail::read_submission(draft.header, site_.settings.hostname, loop_limits);
  if (!draft.submission.faults.empty()) {
    const mail::Fault& fault = draft.submission.faults.front();
    return refuse(draft, reply_to(fault), fault.text);
  }

  const std::vector<std::string> from = domains_of(draft.submission.from);
  const policy::Decision decision =
      site_.admission.check_from(*draft.client.host, draft.envelope.shop, from);
  if (!decision.admitted()) {
    std::string names;
    for (const std::string& domain : from) names += (names.empty() ? "" : ", ") + domain;
    return refuse(
        draft,
        Reply(550, "5.7.1",
              "header From (" + printable(names, 200) + ") does not belong to the shop that sends"),
        decision.reason);
  }
  draft.shop = decision.shop;
  if (draft.envelope.shop == nullptr) {
    // Under the null sender the shop is known only now: what MAIL and RCPT ask is asked here.
    if (auto refusal = judge_late_shop(draft)) return refusal;
  }
  draft.signing = choose_signing(
      site_, from, draft.envelope.sender ? draft.envelope.sender->domain() : std::string_view(),
      reception_.ports().may_sign);
  if (const std::string& domain = draft.signing.refused_for; !domain.empty()) {
    return refuse(draft,
                  Reply(451, "4.7.5",
                        "no DKIM key of " + domain + " is in DNS yet, the message was not stored"),
                  "unpublished: refuse");
  }
  return std::nullopt;
}

std::optional<Reply> Acceptor::judge_late_shop(Draft& draft) const {
  const policy::Allowance allowance = reception_.meter(*draft.shop, draft.at).admit(draft.at);
  if (!allowance.allowed()) return refuse(draft, over_limit(allowance), "shop limit");
  for (EnvelopeRecipient& recipient : draft.envelope.recipients) {
    auto listing = reception_.ports().suppression.find(draft.shop->id, recipient.key, draft.at);
    if (!listing) return refuse(draft, not_stored, listing.error().detail);
    if (*listing) recipient.suppressed = std::to_string((*listing)->entry);
  }
  return std::nullopt;
}

void Acceptor::compose(Draft& draft) const {
  const config::Settings& settings = site_.settings;
  mail::Composition facts;
  facts.id = draft.id;
  facts.at = draft.at;
  facts.hostname = settings.hostname;
  facts.message_id_domain = std::string(draft.submission.from.front().domain());
  facts.helo = draft.client.helo;
  facts.client = draft.client.address;
  facts.transmission.extended = draft.client.extended;
  facts.transmission.utf8 = draft.envelope.smtputf8;
  facts.transmission.tls = !draft.client.tls.empty();
  facts.transmission.authenticated = draft.client.login_shop != nullptr;
  draft.kept.head = mail::compose(draft.header, facts).head;
  fill_row(draft);
  fill_recipients(draft);

  // What header and submission look at goes now: only the body is left of the message.
  const std::size_t body_offset = draft.header.body_offset();
  draft.header = mail::HeaderSection();
  draft.message.erase(0, body_offset);
  draft.kept.body = std::make_shared<const std::string>(std::move(draft.message));
}

void Acceptor::fill_row(Draft& draft) const {
  records::Message& row = draft.kept.message;
  row.id = draft.id;
  row.kind = draft.envelope.kind;
  row.accepted_at = draft.at;
  row.expires_at = draft.at + site_.settings.retry.expire;
  row.shop = draft.shop->id;
  row.host = draft.client.host->name;
  row.client = draft.client.address.text();
  row.session = draft.client.session;
  row.helo = draft.client.helo;
  row.tls = draft.client.tls;
  row.sender = draft.envelope.sender ? draft.envelope.sender->text() : "";
  row.header_from = draft.submission.from.front().text();
  row.message_id = records::bounded(field_text(draft.header, "Message-ID"), longest_message_id);
  if (row.message_id.empty()) {  // the one that compose() made
    row.message_id =
        "<" + draft.id.text() + "@" + std::string(draft.submission.from.front().domain()) + ">";
  }
  row.subject = mail::decode_encoded_words(field_text(draft.header, "Subject"), 512);
  const mail::Options& options = draft.submission.options;
  row.lane = lane_of(draft);
  row.tag = options.tag.value_or("");
  row.metadata = options.metadata.value_or("");
  row.idempotency_key = options.idempotency_key.value_or("");
  row.upstream = draft.shop->upstream;
  row.signatures = summary(draft.signing.identities);
  row.eight_bit = draft.envelope.eight_bit;
  row.smtputf8 = draft.envelope.smtputf8;
}

/// What the application says, else by the shop's speed of the last minute.
records::Lane Acceptor::lane_of(const Draft& draft) const {
  policy::ShopMeter& meter = reception_.meter(*draft.shop, draft.at);
  const bool burst = meter.is_burst(site_.settings.limits.bulk_after, draft.at);
  const auto& said = draft.submission.options.lane;
  const bool bulk = said ? *said == mail::Lane::bulk : burst;
  return bulk ? records::Lane::bulk : records::Lane::transactional;
}

void Acceptor::fill_recipients(Draft& draft) const {
  const mail::Options& options = draft.submission.options;
  const bool sandbox = options.sink || draft.shop->mode == policy::Mode::sink;
  const records::State waiting =
      draft.shop->mode == policy::Mode::hold ? records::State::held : records::State::queued;
  for (const EnvelopeRecipient& each : draft.envelope.recipients) {
    records::Recipient recipient;
    recipient.message = draft.id;
    recipient.n = static_cast<std::uint32_t>(draft.kept.recipients.size());
    recipient.address = each.address.text();
    recipient.key = each.key;
    recipient.due = draft.at;
    recipient.state = !each.suppressed.empty() ? records::State::suppressed
                      : sandbox                ? records::State::sandboxed
                                               : waiting;
    if (!records::is_open(recipient.state)) recipient.finished_at = draft.at;
    if (recipient.state == records::State::queued && !draft.signing.held_for.empty()) {
      recipient.state = records::State::held;
      recipient.reply = store::waiting_for_key(draft.signing.held_for);
    }
    if (!each.suppressed.empty())
      recipient.reply = "on the suppression list (entry " + each.suppressed + ")";
    draft.kept.recipients.push_back(std::move(recipient));
  }
}

asio::awaitable<Reply> Acceptor::store(Draft& draft) {
  policy::ShopMeter& meter = reception_.meter(*draft.shop, draft.at);
  const policy::Allowance room = meter.reserve(draft.at);
  if (!room.allowed()) co_return refuse(draft, over_limit(room), "shop limit");
  Reservation place(meter, draft.at);

  net::Answer<Submitted> answer(reception_.ports().executor);
  const store::Ticket ticket = store::Ticket::fresh();
  submit(draft, ticket, answer.done());
  std::optional<Submitted> submitted =
      co_await answer.result_until(draft.began + site_.settings.limits.commit_timeout);
  if (!submitted) {
    if (ticket.abandon()) co_return refuse(draft, not_stored, "the commit took too long");
    submitted = co_await answer.result();  // settled at the last moment: it is on its way
  }
  if (submitted->signing) reception_.counters().signing.observe(*submitted->signing);
  if (const Result<store::AcceptOutcome>& outcome = submitted->outcome; !outcome) {
    log::internal_error("sign", draft.id.text() + ": " + outcome.error().detail);
    co_return refuse(draft, not_stored, "signing failed: " + outcome.error().detail);
  }
  store::AcceptOutcome& outcome = *submitted->outcome;
  if (auto* stored = std::get_if<store::Stored>(&outcome)) {
    place.keep();
    reception_.tell_limits(draft.shop->id, draft.at);
    hold_back(draft, stored->held_back);
    co_return on_stored(draft, std::move(stored->kept));
  }
  if (const auto* duplicate = std::get_if<store::Duplicate>(&outcome)) {
    co_return Reply(250, "2.0.0", "id=" + duplicate->first.text() + " duplicate");
  }
  const auto* failed = std::get_if<store::Failed>(&outcome);
  co_return refuse(draft, not_stored, failed == nullptr ? "abandoned" : failed->reason);
}

/// Hands what is to be kept to the store; with identities by way of a signer, who hands it on.
void Acceptor::submit(Draft& draft, const store::Ticket& ticket, SubmissionDone done) const {
  store::Writer& writer = reception_.ports().writer;
  const bool to_sign = !draft.signing.identities.empty();
  auto work = [&writer, &signer = reception_.ports().signer, kept = std::move(draft.kept),
               identities = std::move(draft.signing.identities), at = draft.at, ticket,
               coming = store::Coming(writer), began = std::chrono::steady_clock::now(),
               done = std::move(done)]() mutable {
    std::optional<std::chrono::steady_clock::duration> signing;
    if (!identities.empty()) {
      const std::string_view pieces[] = {*kept.body};
      const Result<std::string> fields = signed_by(signer, kept.head, pieces, identities, at);
      if (!fields) return done(Submitted(fields.error()));
      kept.head.insert(0, *fields);
      signing = std::chrono::steady_clock::now() - began;
    }
    kept.message.size = kept.head.size() + kept.body->size();
    auto stored = [done = std::move(done), signing](store::AcceptOutcome outcome) {
      Submitted submitted(std::move(outcome));
      submitted.signing = signing;
      done(std::move(submitted));
    };
    writer.accept(std::move(kept), std::move(stored), ticket);
  };
  if (!to_sign) return work();
  // std::function copies its target, and this one is not to be copied.
  auto shared = std::make_shared<decltype(work)>(std::move(work));
  reception_.ports().workers.post([shared] { (*shared)(); });
}

/// The list lets one message try an address whose time is over, and this was not the first.
void Acceptor::hold_back(Draft& draft, const std::vector<store::HeldBehind>& held) {
  for (const store::HeldBehind& each : held)
    draft.envelope.recipients[each.recipient].suppressed = std::to_string(each.entry);
}

Reply Acceptor::on_stored(const Draft& draft, store::Acceptance kept) {
  std::uint64_t open = 0;
  std::uint64_t suppressed = 0;
  const records::Message& row = kept.message;
  const log::Mail mail{row.id, row.shop, row.session, row.host, row.sender};
  for (const records::Recipient& recipient : kept.recipients) {
    if (recipient.state != records::State::suppressed) {
      ++open;
      continue;
    }
    ++suppressed;
    log::suppressed_dropped(mail, recipient.n, recipient.address,
                            draft.envelope.recipients[recipient.n].suppressed);
  }
  const bool sandbox =
      open > 0 && std::any_of(kept.recipients.begin(), kept.recipients.end(),
                              [](const records::Recipient& recipient) {
                                return recipient.state == records::State::sandboxed;
                              });
  const bool holds = draft.shop->mode == policy::Mode::hold || !draft.signing.held_for.empty();
  log::message_accepted(mail, log::Acceptance{open, suppressed, row.size, row.message_id,
                                              sandbox ? "sink"
                                              : holds ? "hold"
                                                      : "live",
                                              since(draft.began)});
  Counters& counters = reception_.counters();
  ++counters.messages;
  counters.recipients += kept.recipients.size();
  counters.suppressed += suppressed;

  reception_.ports().on_accepted(std::move(kept));
  return Reply(250, "2.0.0",
               "id=" + draft.id.text() + " accepted=" + std::to_string(open) +
                   " suppressed=" + std::to_string(suppressed));
}

Reply Acceptor::refuse(const Draft& draft, Reply reply, std::string_view reason) const {
  ++reception_.counters().rejections;
  log::Rejection rejection;
  rejection.stage = "body";
  rejection.shop = draft.envelope.shop == nullptr ? std::string_view()
                                                  : std::string_view(draft.envelope.shop->id);
  rejection.sender =
      draft.envelope.sender ? std::string_view(draft.envelope.sender->text()) : std::string_view();
  rejection.reason = reason;
  const log::Peer peer{draft.client.session, draft.client.address, draft.client.host->name};
  log::message_rejected(peer, rejection, log::Answer{reply.code, reply.enhanced, reply.text});
  return reply;
}

}  // namespace ecrelay::intake
