// A message's way through the relay, stage by stage, without sockets and threads: microseconds and
// allocations of each. Under callgrind the same stages are dumped one by one (instructions.py).
//
//   stages FOLDER [MESSAGES]      FOLDER gets a book; 500 messages
#include <valgrind/callgrind.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dispatch/conclusion.h"
#include "dkim/signer.h"
#include "log/events.h"
#include "mail/compose.h"
#include "mail/submission.h"
#include "smtp/client_protocol.h"
#include "smtp/server_protocol.h"
#include "store/messages.h"
#include "store/schema.h"

namespace {

std::size_t allocations = 0;

}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using namespace ecrelay;
using Clock = std::chrono::steady_clock;

constexpr TimePoint noon{Duration(1'763'874'000'000)};

std::string sample() {
  std::string text =
      "From: =?UTF-8?B?44K344On44OD44OXQQ==?= <info@shop-a.example>\r\n"
      "To: hanako@customer.example\r\n"
      "Subject: =?UTF-8?B?44GU5rOo5paH44GC44KK44GM44Go44GG44GU44GW44GE44G+44GZ?=\r\n"
      "Date: Fri, 05 Jul 2024 10:00:00 +0900\r\n"
      "Message-ID: <order-1@shop-a.example>\r\n"
      "MIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=UTF-8\r\n"
      "Content-Transfer-Encoding: 8bit\r\n"
      "List-Unsubscribe: <https://shop-a.example/u/0123456789>\r\n\r\n";
  for (int line = 0; line < 60; ++line)
    text += "  ご注文ありがとうございます。 <b>Order</b> no. 12345,  thank you.\r\n";
  return text;
}

Ulid id_of(std::uint32_t n) {
  std::array<std::uint8_t, 10> random{};
  for (std::size_t i = 0; i < 4; ++i) random[9 - i] = static_cast<std::uint8_t>(n >> (8 * i));
  return Ulid(noon + Duration(n), random);
}

class Deaf final : public log::Sink {
 public:
  void write(std::string_view) override {}
};

dispatch::Rules rules() {
  const policy::Price price{std::chrono::year_month_day(std::chrono::year(2020) / 1 / 1),
                            Money::milli_yen(100), policy::Unit::message};
  return dispatch::Rules{policy::RetryPlan(),
                         *policy::PriceBook::build({price}, {}),
                         std::nullopt,
                         "relay-1.example.jp",
                         {}};
}

/// One message as the stages hand it on.
struct Passage {
  std::uint32_t n = 0;
  std::string message;
  store::Acceptance kept;
  std::optional<dispatch::Job> job;
  std::vector<smtp::RecipientResult> results;
  std::optional<dispatch::Conclusion> conclusion;
};

class Stages {
 public:
  explicit Stages(const std::string& folder)
      : signer_(dkim::make_cached_signer()),
        identities_{
            {"shop-a.example", "e1", *dkim::Key::generate(dkim::Algorithm::ed25519_sha256)}},
        book_(folder + "/book.db", store::Access::write, store::reader_patience),
        server_(capabilities()),
        client_("relay-1.example.jp"),
        rules_(rules()) {
    store::migrate(book_, store::schema_version());
    server_.answer(smtp::Reply(220, "", "relay-1.example.jp ESMTP ecrelay"));
    hear("EHLO app-1.example\r\n");
    client_.receive("220 mx.example ESMTP\r\n");
    while (client_.next_event()) continue;
    client_.take_output();
    client_.receive("250-mx.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 50000000\r\n");
    while (client_.next_event()) continue;
  }

  /// The dialogue of a session and the body's end, as bytes arrive.
  void accept(Passage& passage) {
    hear("MAIL FROM:<info@shop-a.example> BODY=8BITMIME\r\n");
    hear("RCPT TO:<hanako@customer.example>\r\n");
    hear("DATA\r\n");
    hear(sample_);
    hear(".\r\n");
    passage.message = std::exchange(message_, {});
  }

  /// Header read and checked, fields added, rows filled in.
  void parse(Passage& passage) {
    const auto header = mail::HeaderSection::scan(passage.message);
    const mail::Submission submission = mail::read_submission(*header, "relay-1.example.jp");
    if (!submission.faults.empty()) std::abort();
    mail::Composition facts;
    facts.id = id_of(passage.n);
    facts.at = noon + Duration(passage.n);
    facts.hostname = "relay-1.example.jp";
    facts.message_id_domain = "shop-a.example";
    facts.helo = "app-1.example";
    facts.client = *IpAddress::parse("10.0.1.7");
    passage.kept.head = mail::compose(*header, facts).head;
    passage.kept.body =
        std::make_shared<const std::string>(passage.message.substr(header->body_offset()));
    fill_rows(passage.kept, facts);
  }

  /// All of a signature but RSA's own part: Ed25519 stands for it.
  void sign(Passage& passage) {
    const std::array<std::string_view, 1> body = {*passage.kept.body};
    passage.kept.head.insert(0, *signer_->sign(passage.kept.head, body, identities_, noon));
    passage.kept.message.size = passage.kept.head.size() + passage.kept.body->size();
  }

  /// The rows of a batch, without syncs.
  void commit(std::vector<Passage>& passages) {
    store::Transaction change(book_);
    for (Passage& each : passages) {
      store::Savepoint alone(change);
      store::insert(change, each.kept.message, each.kept.recipients);
      alone.keep();
    }
    change.commit();
  }

  /// A transaction with an upstream.
  void dispatch(Passage& passage) {
    passage.job = dispatch::job_of(passage.kept.message, passage.kept.recipients,
                                   std::move(passage.kept.head), passage.kept.body);
    smtp::Transaction transaction;
    transaction.sender = mail::parse_address(passage.job->sender, mail::Utf8::allowed).value();
    for (const auto& each : passage.job->recipients)
      transaction.recipients.emplace_back(
          mail::parse_address(each.address, mail::Utf8::allowed).value());
    transaction.body = {std::string_view(passage.job->head), std::string_view(*passage.job->body)};
    transaction.eight_bit = true;
    client_.send(std::move(transaction));
    client_.take_output();
    client_.receive("250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go ahead\r\n");
    while (auto event = client_.next_event())
      if (std::holds_alternative<smtp::SendBody>(*event)) break;
    std::array<std::string_view, 64> pieces;
    while (client_.next_pieces(pieces) > 0) continue;
    client_.body_written();
    client_.receive("250 2.0.0 queued as 4XyZ\r\n");
    while (auto event = client_.next_event())
      if (auto* done = std::get_if<smtp::Finished>(&*event))
        passage.results = std::move(done->results);
  }

  /// What the reply means.
  void conclude(Passage& passage) {
    dispatch::Attempted attempted;
    attempted.upstream = "default";
    attempted.server = attempted.server_host = "192.0.2.9:25";
    attempted.at = noon + Duration(passage.n + 5);
    passage.conclusion = dispatch::conclude(*passage.job, passage.results, attempted, rules_, 1);
  }

  /// Its rows: state, attempt, charge, totals.
  void record(std::vector<Passage>& passages) {
    store::Transaction change(book_);
    for (Passage& each : passages) {
      store::Savepoint alone(change);
      store::record(change, each.conclusion->outcome, records::ListRules());
      alone.keep();
    }
    change.commit();
  }

  /// The two lines of its log.
  static void tell(Passage& passage) {
    const records::Message& row = passage.kept.message;
    const log::Mail mail{row.id, row.shop, row.session, row.host, row.sender};
    log::message_accepted(mail,
                          log::Acceptance{1, 0, row.size, row.message_id, "live", Duration(3)});
    log::Delivery told;
    told.id = row.id;
    told.shop = row.shop;
    told.sender = row.sender;
    told.recipient = passage.kept.recipients.front().address;
    told.upstream = row.upstream;
    told.server = "192.0.2.9:25";
    told.attempt = 1;
    log::message_sent(told, log::Answer{250, "2.0.0", "queued as 4XyZ"});
  }

 private:
  static smtp::Capabilities capabilities() {
    smtp::Capabilities offered;
    offered.hostname = "relay-1.example.jp";
    return offered;
  }

  void hear(std::string_view bytes) {
    server_.receive(bytes);
    while (auto event = server_.next_event()) {
      if (const auto* part = std::get_if<smtp::BodyPart>(&*event))
        message_.append(part->bytes);
      else if (std::holds_alternative<smtp::DataStart>(*event))
        server_.answer(smtp::Reply(354, "", "end with <CRLF>.<CRLF>"));
      else
        server_.answer(smtp::Reply(250, "2.0.0", "ok"));
    }
    server_.take_output();
  }

  static void fill_rows(store::Acceptance& kept, const mail::Composition& facts) {
    records::Message& row = kept.message;
    row.id = facts.id;
    row.accepted_at = facts.at;
    row.expires_at = facts.at + std::chrono::days(2);
    row.shop = "shop-a";
    row.host = "app-1";
    row.client = "10.0.1.7";
    row.session = "0a1b2c3d-17";
    row.helo = facts.helo;
    row.sender = row.header_from = "info@shop-a.example";
    row.message_id =
        "<order-" + std::to_string(facts.at.time_since_epoch().count()) + "@shop-a.example>";
    row.subject = "ご注文ありがとうございます";
    row.upstream = "default";
    row.signatures = "d=shop-a.example s=e1 a=ed25519-sha256";
    row.eight_bit = true;
    row.location.segment = 1;
    records::Recipient recipient;
    recipient.message = row.id;
    recipient.address = recipient.key = "hanako@customer.example";
    recipient.due = row.accepted_at;
    kept.recipients = {recipient};
  }

  const std::string sample_ = sample();
  std::unique_ptr<dkim::Signer> signer_;
  std::vector<dkim::Identity> identities_;
  store::Connection book_;
  smtp::ServerProtocol server_;
  smtp::ClientProtocol client_;
  dispatch::Rules rules_;
  std::string message_;
};

/// Runs `work` and says what it cost a message.
void measure(const char* stage, std::size_t messages, const std::function<void()>& work) {
  CALLGRIND_ZERO_STATS;
  const std::size_t before = allocations;
  const auto began = Clock::now();
  work();
  const double took = std::chrono::duration<double, std::micro>(Clock::now() - began).count();
  const auto count = static_cast<double>(messages);
  const double made = static_cast<double>(allocations - before) / count;
  CALLGRIND_DUMP_STATS_AT(stage);
  std::printf("%-10s %8.1f us %8.1f allocations\n", stage, took / count, made);
}

void run(const std::string& folder, std::size_t messages) {
  log::start(log::Options{}, std::make_shared<Deaf>());
  Stages stages(folder);
  std::vector<Passage> passages(messages);
  for (std::size_t n = 0; n < messages; ++n) passages[n].n = static_cast<std::uint32_t>(n);
  const auto each = [&](auto work) {
    return [&passages, work] {
      for (Passage& passage : passages) work(passage);
    };
  };
  measure("accept", messages, each([&](Passage& one) { stages.accept(one); }));
  measure("parse", messages, each([&](Passage& one) { stages.parse(one); }));
  measure("sign", messages, each([&](Passage& one) { stages.sign(one); }));
  measure("commit", messages, [&] { stages.commit(passages); });
  measure("dispatch", messages, each([&](Passage& one) { stages.dispatch(one); }));
  measure("conclude", messages, each([&](Passage& one) { stages.conclude(one); }));
  measure("record", messages, [&] { stages.record(passages); });
  measure("log", messages, each([&](Passage& one) { Stages::tell(one); }));
  log::stop();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: stages FOLDER [MESSAGES]\n", stderr);
    return 64;
  }
  run(argv[1], argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 500);
  return 0;
}
