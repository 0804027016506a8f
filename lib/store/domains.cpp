#include "store/domains.h"

#include <utility>

#include "store/row_reading.h"

namespace ecrelay::store {
namespace {

constexpr std::string_view before_domain = "held until a DKIM key of ";
constexpr std::string_view after_domain = " is in DNS";

records::SigningKey read_key(Rows& rows) {
  records::SigningKey key;
  key.domain = rows.text();
  key.selector = rows.text();
  key.algorithm = rows.text();
  key.record = rows.text();
  key.state = known(records::parse_key_state(rows.text()));
  key.since = rows.time();
  key.until = rows.maybe(&Rows::time);
  return key;
}

records::DnsRecord read_record(Rows& rows) {
  records::DnsRecord record;
  record.domain = rows.text();
  record.record = rows.text();
  record.name = rows.text();
  record.state = rows.text();
  record.since = rows.time();
  record.remark = rows.text();
  return record;
}

}  // namespace

std::vector<records::SigningKey> signing_keys(Connection& book, std::string_view domain) {
  std::vector<records::SigningKey> keys;
  Rows rows = book.query(
      "SELECT domain, selector, algorithm, record, state, since_ms, until_ms FROM signing_key"
      " WHERE ?1 = '' OR domain = ?1 ORDER BY domain, selector",
      domain);
  while (rows.next()) keys.push_back(read_key(rows));
  return keys;
}

void replace_signing_keys(Transaction& change, std::string_view domain,
                          const std::vector<records::SigningKey>& keys) {
  change.book().execute("DELETE FROM signing_key WHERE domain = ?", domain);
  for (const records::SigningKey& key : keys) {
    change.book().execute(
        "INSERT INTO signing_key (domain, selector, algorithm, record, state, since_ms, until_ms)"
        " VALUES (?,?,?,?,?,?,?)",
        domain, key.selector, key.algorithm, key.record, records::text(key.state), key.since,
        key.until);
  }
}

bool has_open_mail_signed(Connection& book, std::string_view domain, std::string_view selector) {
  const std::string signature = "d=" + std::string(domain) + " s=" + std::string(selector) + " a=";
  Rows rows = book.query(
      "SELECT 1 FROM recipient r JOIN message m ON m.id = r.message"
      " WHERE r.state IN ('queued', 'held') AND instr(m.signatures, ?) > 0 LIMIT 1",
      signature);
  return rows.next();
}

std::vector<records::DnsRecord> dns_records(Connection& book) {
  std::vector<records::DnsRecord> records;
  Rows rows = book.query(
      "SELECT domain, record, name, state, since_ms, remark FROM dns_record"
      " ORDER BY domain, record");
  while (rows.next()) records.push_back(read_record(rows));
  return records;
}

void replace_dns_records(Transaction& change, std::string_view domain,
                         const std::vector<records::DnsRecord>& records) {
  change.book().execute("DELETE FROM dns_record WHERE domain = ?", domain);
  for (const records::DnsRecord& each : records) {
    change.book().execute(
        "INSERT INTO dns_record (domain, record, name, state, since_ms, remark)"
        " VALUES (?,?,?,?,?,?)",
        domain, each.record, each.name, each.state, each.since, each.remark);
  }
}

std::string waiting_for_key(std::string_view domain) {
  return std::string(before_domain) + std::string(domain) + std::string(after_domain);
}

std::vector<std::string> domains_waiting_for_keys(Connection& book) {
  Rows rows = book.query(
      "SELECT DISTINCT reply FROM recipient WHERE state = 'held' AND reply LIKE ? || '%' || ?",
      before_domain, after_domain);
  std::vector<std::string> domains;
  while (rows.next()) {
    const std::string reply = rows.text();
    const std::size_t length = reply.size() - before_domain.size() - after_domain.size();
    domains.push_back(reply.substr(before_domain.size(), length));
  }
  return domains;
}

std::int64_t count_waiting_for_key(Connection& book, std::string_view domain) {
  Rows rows = book.query("SELECT count(*) FROM recipient WHERE state = 'held' AND reply = ?",
                         waiting_for_key(domain));
  rows.next();
  return rows.integer();
}

std::vector<Released> release_waiting(Transaction& change, std::string_view domain, TimePoint now,
                                      std::size_t limit) {
  const std::string mark = waiting_for_key(domain);
  std::vector<Released> released;
  {
    Rows rows = change.book().query(
        "SELECT r.message, m.upstream, count(*) FROM recipient r JOIN message m ON m.id = r.message"
        " WHERE r.state = 'held' AND r.reply = ? GROUP BY r.message LIMIT ?",
        mark, limit);
    while (rows.next()) {
      Released each;
      each.message = rows.ulid();
      each.upstream = rows.text();
      each.recipients = rows.integer();
      released.push_back(std::move(each));
    }
  }
  for (const Released& each : released) {
    change.book().execute(
        "UPDATE recipient SET state = 'queued', due_ms = ?, reply = ''"
        " WHERE message = ? AND state = 'held' AND reply = ?",
        now, each.message, mark);
  }
  return released;
}

}  // namespace ecrelay::store
