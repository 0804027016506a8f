#include "store/move.h"

#include <algorithm>

#include "records/spool_record.h"

namespace ecrelay::store {

void MoveJob::append(Spool& spool) {
  const auto body = spool.read(message_, from_);
  // A record that cannot be read is told about when it is to be sent; its segment stays.
  if (!body) return;
  to_ = spool.append(message_, body->head, body->body);
}

void MoveJob::write(Transaction& change) {
  if (!to_) return;
  change.book().execute(
      "UPDATE message SET segment = ?, position = ? WHERE id = ? AND segment = ? AND position = ?"
      " AND open_recipients > 0",
      to_->segment, to_->offset, message_, from_.segment, from_.offset);
}

std::optional<std::uint64_t> sparse_segment(Connection& book,
                                            const std::vector<std::uint64_t>& without) {
  Rows rows = book.query(
      "SELECT number FROM segment WHERE live > 0 AND size > 0 AND live_bytes * 4 < size");
  while (rows.next()) {
    const auto number = rows.number<std::uint64_t>();
    if (std::find(without.begin(), without.end(), number) == without.end()) return number;
  }
  return std::nullopt;
}

std::vector<LiveRecord> live_records(Connection& book, std::uint64_t segment, std::uint64_t bytes) {
  Rows rows = book.query(
      "SELECT id, position, head_length, body_length FROM message"
      " WHERE segment = ? AND open_recipients > 0",
      segment);
  std::vector<LiveRecord> records;
  for (std::uint64_t taken = 0; taken < bytes && rows.next();) {
    LiveRecord record;
    record.message = rows.ulid();
    record.location.segment = segment;
    record.location.offset = rows.number<std::uint64_t>();
    record.location.head_length = rows.number<std::uint32_t>();
    record.location.body_length = rows.number<std::uint32_t>();
    taken +=
        records::spool_preamble_length + record.location.head_length + record.location.body_length;
    records.push_back(record);
  }
  return records;
}

}  // namespace ecrelay::store
