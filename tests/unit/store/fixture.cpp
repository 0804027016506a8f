#include "unit/store/fixture.h"

#include <stdlib.h>
#include <unistd.h>

#include <mutex>

namespace ecrelay::store {

using records::State;

TemporaryDirectory::TemporaryDirectory() {
  // In memory where there is such a place: these tests count syncs, they need not wait for them.
  const std::filesystem::path memory = "/dev/shm";
  const auto base =
      ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
  std::string pattern = (base / "store-test-XXXXXX").string();
  path_ = std::filesystem::canonical(::mkdtemp(pattern.data())).string();
}

TemporaryDirectory::~TemporaryDirectory() { std::filesystem::remove_all(path_); }

Ulid id_of(unsigned n) {
  const auto low = static_cast<std::uint8_t>(n & 0xff);
  const auto high = static_cast<std::uint8_t>(n >> 8);
  return Ulid(noon + Duration(n), {0, 0, 0, 0, 0, 0, 0, 0, high, low});
}

std::string body_of(unsigned n) {
  return "Subject: mail " + std::to_string(n) + "\r\n\r\n" + std::string(300 + n % 7, 'x') + "\r\n";
}

Acceptance mail(unsigned n, unsigned recipients) {
  Acceptance acceptance;
  records::Message& m = acceptance.message;
  m.id = id_of(n);
  m.accepted_at = noon;
  m.expires_at = noon + std::chrono::days(2);
  m.shop = "shop-a";
  m.host = "app-1";
  m.client = "192.0.2.7";
  m.sender = "shop@shop-a.example";
  m.header_from = "shop@shop-a.example";
  m.message_id = "<" + std::to_string(n) + "@shop-a.example>";
  m.subject = "ご注文ありがとうございます";
  m.upstream = "default";
  for (unsigned i = 0; i < recipients; ++i) {
    records::Recipient r;
    r.message = m.id;
    r.n = i;
    r.address = "User" + std::to_string(i) + "@example.jp";
    r.key = "user" + std::to_string(i) + "@example.jp";
    r.due = noon;
    acceptance.recipients.push_back(r);
  }
  acceptance.head = "Received: by relay-1\r\n";
  acceptance.body = std::make_shared<const std::string>(body_of(n));
  m.size = acceptance.head.size() + acceptance.body->size();
  return acceptance;
}

AcceptOutcome accept(Writer& writer, Acceptance acceptance) {
  Answer<AcceptOutcome> answer;
  const Ticket ticket = writer.accept(std::move(acceptance), answer.slot());
  return answer.get();
}

Result<void> record(Writer& writer, Outcome outcome) {
  Answer<Result<void>> answer;
  writer.record(std::move(outcome), answer.slot());
  return answer.get();
}

Result<void> change(Writer& writer, std::function<void(Transaction&)> work) {
  Answer<Result<void>> answer;
  writer.change(std::move(work), answer.slot());
  return answer.get();
}

Gate::Gate(Writer& writer) {
  auto reached = std::make_shared<std::promise<void>>();
  auto once = std::make_shared<std::once_flag>();
  const auto arrive = [reached, once] { std::call_once(*once, [&] { reached->set_value(); }); };
  writer.change(
      [arrive, gate = gate_](Transaction&) {
        arrive();
        gate->get_future().wait();
      },
      [arrive](Result<void>) { arrive(); });
  reached->get_future().wait();
}

Outcome outcome(const Ulid& message, std::uint32_t n, State state, TimePoint at) {
  records::Attempt attempt;
  attempt.at = at;
  attempt.upstream = "default";
  attempt.server = "smtp.example.net:192.0.2.9:25";
  attempt.stage = "dot";
  attempt.code = state == State::sent ? 250 : 550;
  attempt.reply = state == State::sent ? "250 2.0.0 ok" : "550 5.1.1 user unknown";
  attempt.verdict = std::string(records::text(state));
  Outcome outcome;
  outcome.message = message;
  outcome.at = at;
  outcome.recipients.push_back(RecipientOutcome{n, state, at, attempt.reply, attempt, false});
  if (state == State::sent)
    outcome.charges.push_back(records::Charge{records::Unit::message, 0, Money::milli_yen(100)});
  return outcome;
}

records::Sign unknown_user(const std::string& key, TimePoint at) {
  records::Sign sign;
  sign.entry.shop = "shop-a";
  sign.entry.key = key;
  sign.entry.address = key;
  sign.entry.reason = "hard";
  sign.entry.since = at;
  sign.entry.evidence = "550 5.1.1 unknown";
  sign.entry.actor = "relay";
  return sign;
}

Store::Settings settings(const std::string& state_dir) {
  Store::Settings settings;
  settings.state_dir = state_dir;
  settings.ballast = 65'536;
  settings.writer.retry = std::chrono::milliseconds(5);
  return settings;
}

namespace {

/// "WITH ledger AS …": the book's own rows and the charges of the months that it has archived.
std::string whole_ledger(Connection& book) {
  const std::string columns =
      "id, kind, at_ms, booked_ms, day, shop, message, recipient, amount_milli, reverses";
  std::string sql = "WITH ledger AS (SELECT " + columns +
                    " FROM main.ledger WHERE kind <> 'charge'"
                    " OR month NOT IN (SELECT month FROM archive)";
  for (const Archived& each : Archives(book).all()) {
    const std::string name =
        "archive_" + std::to_string(each.first_row) + "_" + each.file.substr(7, 6);
    book.execute("ATTACH ? AS " + name, archive_folder(book.file()) + "/" + each.file);
    sql += " UNION ALL SELECT " + columns + " FROM " + name + ".ledger WHERE kind = 'charge'";
  }
  return sql + ")";
}

}  // namespace

std::string contradictions(const std::string& book) {
  Connection connection(book, Access::read, reader_patience);
  Rows rows = connection.query(whole_ledger(connection) + R"(,
    mail_recipient AS (SELECT r.* FROM recipient r JOIN message m ON m.id = r.message WHERE m.kind = 'mail')
    SELECT 'daily messages' WHERE (SELECT ifnull(sum(messages), 0) FROM daily) <> (SELECT count(*) FROM message WHERE kind = 'mail')
    UNION ALL SELECT 'daily recipients' WHERE (SELECT ifnull(sum(recipients), 0) FROM daily) <> (SELECT count(*) FROM mail_recipient)
    UNION ALL SELECT 'daily states' WHERE (SELECT ifnull(sum(sent + bounced + suppressed + expired + cancelled + sandboxed), 0) FROM daily)
      <> (SELECT count(*) FROM mail_recipient WHERE state NOT IN ('queued', 'held'))
    UNION ALL SELECT 'daily sent' WHERE (SELECT ifnull(sum(sent), 0) FROM daily) <> (SELECT count(*) FROM mail_recipient WHERE state = 'sent')
    UNION ALL SELECT 'daily reports and tests' WHERE (SELECT ifnull(sum(reports + tests), 0) FROM daily) <> (SELECT count(*) FROM message WHERE kind <> 'mail')
    UNION ALL SELECT 'daily bounced later' WHERE (SELECT ifnull(sum(bounced_later), 0) FROM daily) <> (SELECT count(*) FROM mail_recipient r
      WHERE state = 'sent' AND EXISTS (SELECT 1 FROM report WHERE message = r.message AND recipient = r.n AND action = 'failed'))
    UNION ALL SELECT 'daily and ledger of ' || shop || ' ' || day FROM (
      SELECT shop, day, charges, amount_milli, reversals, reversals_milli, adjustments, adjustments_milli, first_row, last_row FROM daily
        WHERE charges + reversals + adjustments > 0
      EXCEPT SELECT shop, day, count(*) FILTER (WHERE kind = 'charge'), ifnull(sum(amount_milli) FILTER (WHERE kind = 'charge'), 0),
        count(*) FILTER (WHERE kind = 'reversal'), ifnull(sum(amount_milli) FILTER (WHERE kind = 'reversal'), 0),
        count(*) FILTER (WHERE kind = 'adjustment'), ifnull(sum(amount_milli) FILTER (WHERE kind = 'adjustment'), 0), min(id), max(id)
        FROM ledger GROUP BY shop, day)
    UNION ALL SELECT 'daily rows' WHERE (SELECT count(*) FROM daily WHERE charges + reversals + adjustments > 0)
      <> (SELECT count(*) FROM (SELECT DISTINCT shop, day FROM ledger))
    UNION ALL SELECT 'sent and not charged' FROM mail_recipient r WHERE state = 'sent'
      AND NOT EXISTS (SELECT 1 FROM ledger l WHERE l.message = r.message AND ifnull(l.recipient, r.n) = r.n)
    UNION ALL SELECT 'charged and not sent' FROM ledger l WHERE kind = 'charge' AND NOT EXISTS
      (SELECT 1 FROM mail_recipient r WHERE l.message = r.message AND ifnull(l.recipient, r.n) = r.n AND state = 'sent')
    UNION ALL SELECT 'charged twice' FROM ledger WHERE kind = 'charge' GROUP BY message, recipient HAVING count(*) > 1
    UNION ALL SELECT 'open recipients' FROM message m WHERE open_recipients
      <> (SELECT count(*) FROM recipient r WHERE r.message = m.id AND state IN ('queued', 'held'))
    UNION ALL SELECT 'live segments' FROM segment s WHERE live
      <> (SELECT count(*) FROM message m WHERE m.segment = s.number AND open_recipients > 0)
    UNION ALL SELECT 'live bytes' FROM segment s WHERE live_bytes
      <> (SELECT ifnull(sum(36 + head_length + body_length), 0) FROM message m WHERE m.segment = s.number AND open_recipients > 0)
    UNION ALL SELECT 'a live message in no segment' FROM message m WHERE open_recipients > 0 AND segment NOT IN (SELECT number FROM segment)
    UNION ALL SELECT 'integrity: ' || integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'
    UNION ALL SELECT 'foreign key' FROM pragma_foreign_key_check)");
  std::string found;
  while (rows.next()) found += rows.text() + "; ";
  return found;
}

bool holds(Store& store, unsigned n) {
  Inquiry inquiry(store.book());
  const auto trace = inquiry.trace(id_of(n));
  if (!trace) return false;
  const auto body = store.read(id_of(n), trace->message.location);
  return body && body->body == body_of(n) && body->head == "Received: by relay-1\r\n";
}

}  // namespace ecrelay::store
