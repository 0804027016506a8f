#include "store/schema.h"

#include <array>

#include "store/schema_archive.h"
#include "store/schema_dns.h"
#include "store/schema_list.h"
#include "store/schema_money.h"

namespace ecrelay::store {
namespace {

/// Each entry leads from the version before it to its own (its place, counted from 1). Entries
/// that were once released are never edited.
///
/// Who waits where: `recipient` is the queue. `segment.live` counts the messages of a spool segment
/// that still have an open recipient; triggers keep it, so that it holds by whatever way a
/// recipient ends. The ledger has no foreign key to message: it outlives the messages.
constexpr std::array migrations{
    R"sql(
CREATE TABLE segment (
  number INTEGER PRIMARY KEY,
  live   INTEGER NOT NULL CHECK (live >= 0)
) STRICT;
CREATE INDEX segment_dead ON segment (number) WHERE live = 0;

CREATE TABLE message (
  id              BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
  accepted_ms     INTEGER NOT NULL CHECK (accepted_ms > 0),
  expires_ms      INTEGER NOT NULL,
  shop            TEXT    NOT NULL,
  host            TEXT    NOT NULL,
  client          TEXT    NOT NULL,
  session         TEXT    NOT NULL,
  helo            TEXT    NOT NULL,
  tls             TEXT    NOT NULL,
  sender          TEXT    NOT NULL,
  header_from     TEXT    NOT NULL,
  message_id      TEXT    NOT NULL,
  subject         TEXT    NOT NULL,
  size            INTEGER NOT NULL,
  lane            TEXT    NOT NULL CHECK (lane IN ('transactional', 'bulk')),
  tag             TEXT    NOT NULL,
  metadata        TEXT    NOT NULL,
  idempotency_key TEXT    NOT NULL,
  upstream        TEXT    NOT NULL,
  signatures      TEXT    NOT NULL,
  eight_bit       INTEGER NOT NULL,
  smtputf8        INTEGER NOT NULL,
  segment         INTEGER NOT NULL,
  position        INTEGER NOT NULL,
  head_length     INTEGER NOT NULL,
  body_length     INTEGER NOT NULL,
  open_recipients INTEGER NOT NULL DEFAULT 0 CHECK (open_recipients >= 0)
) STRICT;
CREATE INDEX message_by_message_id ON message (message_id) WHERE message_id <> '';

CREATE TABLE recipient (
  message     BLOB    NOT NULL REFERENCES message (id),
  n           INTEGER NOT NULL,
  address     TEXT    NOT NULL,
  key         TEXT    NOT NULL,
  state       TEXT    NOT NULL CHECK (state IN ('queued', 'held', 'sent', 'bounced', 'suppressed',
                                                'expired', 'cancelled', 'sandboxed')),
  due_ms      INTEGER NOT NULL,
  attempts    INTEGER NOT NULL DEFAULT 0,
  finished_ms INTEGER,
  reply       TEXT    NOT NULL,
  PRIMARY KEY (message, n),
  CHECK ((state IN ('queued', 'held')) = (finished_ms IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX recipient_due ON recipient (due_ms) WHERE state = 'queued';
CREATE INDEX recipient_held ON recipient (due_ms) WHERE state = 'held';
CREATE INDEX recipient_by_key ON recipient (key);

CREATE TRIGGER recipient_final BEFORE UPDATE OF state ON recipient
WHEN OLD.state NOT IN ('queued', 'held') AND NEW.state <> OLD.state BEGIN
  SELECT RAISE(ABORT, 'the final state of a recipient never changes');
END;
CREATE TRIGGER recipient_opened AFTER INSERT ON recipient
WHEN NEW.state IN ('queued', 'held') BEGIN
  UPDATE message SET open_recipients = open_recipients + 1 WHERE id = NEW.message;
END;
CREATE TRIGGER recipient_finished AFTER UPDATE OF state ON recipient
WHEN OLD.state IN ('queued', 'held') AND NEW.state NOT IN ('queued', 'held') BEGIN
  UPDATE message SET open_recipients = open_recipients - 1 WHERE id = NEW.message;
END;
CREATE TRIGGER recipient_removed AFTER DELETE ON recipient
WHEN OLD.state IN ('queued', 'held') BEGIN
  UPDATE message SET open_recipients = open_recipients - 1 WHERE id = OLD.message;
END;
CREATE TRIGGER message_opened AFTER UPDATE OF open_recipients ON message
WHEN OLD.open_recipients = 0 AND NEW.open_recipients > 0 BEGIN
  INSERT INTO segment (number, live) VALUES (NEW.segment, 1)
    ON CONFLICT (number) DO UPDATE SET live = live + 1;
END;
CREATE TRIGGER message_finished AFTER UPDATE OF open_recipients ON message
WHEN OLD.open_recipients > 0 AND NEW.open_recipients = 0 BEGIN
  UPDATE segment SET live = live - 1 WHERE number = NEW.segment;
END;

CREATE TABLE idempotency (
  shop    TEXT    NOT NULL,
  key     TEXT    NOT NULL,
  message BLOB    NOT NULL,
  at_ms   INTEGER NOT NULL,
  PRIMARY KEY (shop, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt (
  message     BLOB    NOT NULL,
  recipient   INTEGER NOT NULL,
  number      INTEGER NOT NULL,
  at_ms       INTEGER NOT NULL,
  upstream    TEXT    NOT NULL,
  server      TEXT    NOT NULL,
  stage       TEXT    NOT NULL,
  code        INTEGER NOT NULL,
  enhanced    TEXT    NOT NULL,
  reply       TEXT    NOT NULL,
  verdict     TEXT    NOT NULL,
  tls         TEXT    NOT NULL,
  duration_ms INTEGER NOT NULL,
  PRIMARY KEY (message, recipient, number),
  FOREIGN KEY (message, recipient) REFERENCES recipient (message, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger (
  id           INTEGER PRIMARY KEY CHECK (id > 0),
  kind         TEXT    NOT NULL CHECK (kind IN ('charge', 'reversal', 'adjustment')),
  at_ms        INTEGER NOT NULL CHECK (at_ms > 0),
  shop         TEXT    NOT NULL,
  message      BLOB    CHECK (length(message) = 16),
  recipient    INTEGER,
  unit         TEXT    NOT NULL CHECK (unit IN ('message', 'recipient')),
  price_milli  INTEGER NOT NULL,
  amount_milli INTEGER NOT NULL,
  reverses     INTEGER REFERENCES ledger (id),
  tag          TEXT    NOT NULL DEFAULT '',
  reason       TEXT    NOT NULL DEFAULT '',
  actor        TEXT    NOT NULL DEFAULT '',
  -- Japan has no daylight saving: JST is UTC plus 32,400 seconds.
  day   TEXT GENERATED ALWAYS AS (date(at_ms / 1000 + 32400, 'unixepoch')) VIRTUAL,
  month TEXT GENERATED ALWAYS AS (strftime('%Y-%m', at_ms / 1000 + 32400, 'unixepoch')) VIRTUAL,
  CHECK (kind <> 'charge' OR (message IS NOT NULL AND price_milli >= 0
                              AND amount_milli = price_milli
                              AND (unit = 'recipient') = (recipient IS NOT NULL))),
  CHECK ((kind = 'reversal') = (reverses IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX ledger_charged_once ON ledger (message, ifnull(recipient, -1))
  WHERE kind = 'charge';
CREATE UNIQUE INDEX ledger_reversed_once ON ledger (reverses) WHERE reverses IS NOT NULL;

-- REPLACE removes the row in its way without any DELETE trigger, so what could be in its way is
-- refused before the insert. A message is charged as a whole or by recipient, never both.
CREATE TRIGGER ledger_guard BEFORE INSERT ON ledger BEGIN
  SELECT RAISE(ABORT, 'a ledger row is never replaced')
   WHERE EXISTS (SELECT 1 FROM ledger WHERE id = NEW.id);
  SELECT RAISE(ABORT, 'charged once for ever')
   WHERE NEW.kind = 'charge' AND EXISTS (
     SELECT 1 FROM ledger WHERE kind = 'charge' AND message = NEW.message
        AND (recipient IS NULL OR NEW.recipient IS NULL OR recipient = NEW.recipient));
  SELECT RAISE(ABORT, 'what was not sent is not charged')
   WHERE NEW.kind = 'charge' AND NOT EXISTS (
     SELECT 1 FROM recipient WHERE message = NEW.message AND state = 'sent'
        AND (NEW.recipient IS NULL OR n = NEW.recipient));
  SELECT RAISE(ABORT, 'reversed once for ever')
   WHERE EXISTS (SELECT 1 FROM ledger WHERE reverses = NEW.reverses);
END;
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only');
END;
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TABLE daily (
  shop         TEXT    NOT NULL,
  day          TEXT    NOT NULL,
  messages     INTEGER NOT NULL DEFAULT 0,
  recipients   INTEGER NOT NULL DEFAULT 0,
  sent         INTEGER NOT NULL DEFAULT 0,
  bounced      INTEGER NOT NULL DEFAULT 0,
  suppressed   INTEGER NOT NULL DEFAULT 0,
  expired      INTEGER NOT NULL DEFAULT 0,
  cancelled    INTEGER NOT NULL DEFAULT 0,
  sandboxed    INTEGER NOT NULL DEFAULT 0,
  charges      INTEGER NOT NULL DEFAULT 0,
  amount_milli INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (shop, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE suppression (
  id         INTEGER PRIMARY KEY,
  shop       TEXT    NOT NULL,
  key        TEXT    NOT NULL,
  address    TEXT    NOT NULL,
  reason     TEXT    NOT NULL,
  since_ms   INTEGER NOT NULL,
  expires_ms INTEGER,
  evidence   TEXT    NOT NULL,
  message    BLOB,
  actor      TEXT    NOT NULL,
  closed_ms  INTEGER
) STRICT;
CREATE UNIQUE INDEX suppression_open ON suppression (key, shop) WHERE closed_ms IS NULL;

CREATE TABLE suppression_log (
  id       INTEGER PRIMARY KEY,
  at_ms    INTEGER NOT NULL,
  entry    INTEGER NOT NULL REFERENCES suppression (id),
  shop     TEXT    NOT NULL,
  key      TEXT    NOT NULL,
  event    TEXT    NOT NULL CHECK (event IN ('added', 'confirmed', 'replaced', 'lapsed', 'cleared')),
  reason   TEXT    NOT NULL,
  actor    TEXT    NOT NULL,
  evidence TEXT    NOT NULL,
  message  BLOB
) STRICT;
CREATE INDEX suppression_log_by_key ON suppression_log (key);
CREATE INDEX suppression_log_by_message ON suppression_log (message) WHERE message IS NOT NULL;
CREATE TRIGGER suppression_log_guard BEFORE INSERT ON suppression_log
WHEN EXISTS (SELECT 1 FROM suppression_log WHERE id = NEW.id) BEGIN
  SELECT RAISE(ABORT, 'a line of history is never replaced');
END;
CREATE TRIGGER suppression_log_no_update BEFORE UPDATE ON suppression_log BEGIN
  SELECT RAISE(ABORT, 'the history is append-only');
END;
CREATE TRIGGER suppression_log_no_delete BEFORE DELETE ON suppression_log BEGIN
  SELECT RAISE(ABORT, 'the history is append-only');
END;

CREATE TABLE audit (
  id     INTEGER PRIMARY KEY,
  at_ms  INTEGER NOT NULL,
  actor  TEXT    NOT NULL,
  origin TEXT    NOT NULL,
  action TEXT    NOT NULL,
  target TEXT    NOT NULL,
  reason TEXT    NOT NULL,
  detail TEXT    NOT NULL
) STRICT;
CREATE TRIGGER audit_guard BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id) BEGIN
  SELECT RAISE(ABORT, 'an audit row is never replaced');
END;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN
  SELECT RAISE(ABORT, 'the audit is append-only');
END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN
  SELECT RAISE(ABORT, 'the audit is append-only');
END;
)sql",
    R"sql(
ALTER TABLE message ADD COLUMN kind TEXT NOT NULL DEFAULT 'mail'
  CHECK (kind IN ('mail', 'report', 'test'));
)sql",
    R"sql(
-- The sender has been told that this recipient waits.
ALTER TABLE recipient ADD COLUMN warned INTEGER NOT NULL DEFAULT 0;
)sql",
    R"sql(
CREATE INDEX idempotency_by_age ON idempotency (at_ms);
)sql",
    R"sql(
CREATE TABLE report (
  id        INTEGER PRIMARY KEY,
  message   BLOB    NOT NULL,
  recipient INTEGER NOT NULL,
  at_ms     INTEGER NOT NULL,
  kind      TEXT    NOT NULL,
  action    TEXT    NOT NULL,
  status    TEXT    NOT NULL,
  reply     TEXT    NOT NULL,
  decision  TEXT    NOT NULL,
  reason    TEXT    NOT NULL,
  text      TEXT    NOT NULL,
  FOREIGN KEY (message, recipient) REFERENCES recipient (message, n)
) STRICT;
-- What a report comes to, said twice about one recipient, is the same report.
CREATE UNIQUE INDEX report_once
  ON report (message, recipient, kind, action, status, reply, decision, reason);
)sql",
    R"sql(
-- How much of a segment is still needed. `size` is 0 while it is being written. A record has a
-- preamble of 36 bytes.
ALTER TABLE segment ADD COLUMN size       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE segment ADD COLUMN live_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE segment SET live_bytes = (SELECT ifnull(sum(36 + head_length + body_length), 0) FROM message
  WHERE message.segment = number AND open_recipients > 0);
CREATE INDEX segment_sparse ON segment (number)
  WHERE live > 0 AND size > 0 AND live_bytes * 4 < size;
CREATE INDEX message_live ON message (segment) WHERE open_recipients > 0;

DROP TRIGGER message_opened;
DROP TRIGGER message_finished;
CREATE TRIGGER message_opened AFTER UPDATE OF open_recipients ON message
WHEN OLD.open_recipients = 0 AND NEW.open_recipients > 0 BEGIN
  INSERT INTO segment (number, live, live_bytes)
    VALUES (NEW.segment, 1, 36 + NEW.head_length + NEW.body_length)
    ON CONFLICT (number) DO UPDATE SET live = live + 1, live_bytes = live_bytes + excluded.live_bytes;
END;
CREATE TRIGGER message_finished AFTER UPDATE OF open_recipients ON message
WHEN OLD.open_recipients > 0 AND NEW.open_recipients = 0 BEGIN
  UPDATE segment SET live = live - 1,
                     live_bytes = live_bytes - (36 + NEW.head_length + NEW.body_length)
   WHERE number = NEW.segment;
END;
CREATE TRIGGER message_moved AFTER UPDATE OF segment ON message
WHEN NEW.open_recipients > 0 BEGIN
  UPDATE segment SET live = live - 1,
                     live_bytes = live_bytes - (36 + NEW.head_length + NEW.body_length)
   WHERE number = OLD.segment;
  INSERT INTO segment (number, live, live_bytes)
    VALUES (NEW.segment, 1, 36 + NEW.head_length + NEW.body_length)
    ON CONFLICT (number) DO UPDATE SET live = live + 1, live_bytes = live_bytes + excluded.live_bytes;
END;
)sql",
    R"sql(
CREATE TABLE point (
  key     TEXT    NOT NULL,
  shop    TEXT    NOT NULL,
  kind    TEXT    NOT NULL CHECK (kind IN ('mailbox', 'delivery')),
  day     TEXT    NOT NULL,
  at_ms   INTEGER NOT NULL,
  reason  TEXT    NOT NULL,
  message BLOB,
  PRIMARY KEY (key, shop, kind, day)
) STRICT, WITHOUT ROWID;

-- Candidates of a domain that answered "unknown user" for far too many; they wait for a person.
CREATE TABLE parked (
  id       INTEGER PRIMARY KEY,
  domain   TEXT    NOT NULL,
  shop     TEXT    NOT NULL,
  key      TEXT    NOT NULL,
  address  TEXT    NOT NULL,
  reason   TEXT    NOT NULL,
  since_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  evidence TEXT    NOT NULL,
  message  BLOB
) STRICT;
CREATE UNIQUE INDEX parked_once ON parked (domain, key, shop);

-- A quoted local part may hold another @; such addresses are counted apart, and no harm is done.
ALTER TABLE suppression_log ADD COLUMN domain TEXT
  GENERATED ALWAYS AS (substr(key, instr(key, '@') + 1)) VIRTUAL;
CREATE INDEX suppression_log_by_domain ON suppression_log (domain, at_ms);
)sql",
    money_migration,
    list_migration,
    dns_migration,
    archive_migration,
    dead_domain_migration,
    late_report_migration};

int version_of(Connection& connection) {
  Rows version = connection.query("PRAGMA user_version");
  return version.next() ? version.number<int>() : 0;
}

bool is_empty(Connection& connection) {
  return !connection.query("SELECT 1 FROM sqlite_schema").next();
}

void refuse_newer(const Connection& connection, int version) {
  if (version > schema_version())
    throw Failure(connection.file() + " has version " + std::to_string(version) +
                  ", this program knows up to " + std::to_string(schema_version()) +
                  "; use the newer program");
}

}  // namespace

int schema_version() { return static_cast<int>(migrations.size()); }

void migrate(Connection& connection, int to) {
  int version = version_of(connection);
  refuse_newer(connection, version);
  if (version == 0 && !is_empty(connection))
    throw Failure(connection.file() + " is a database, but no book of ecrelay");
  for (; version < to; ++version) {
    Transaction step(connection);
    connection.script(migrations[static_cast<std::size_t>(version)]);
    connection.script("PRAGMA user_version = " + std::to_string(version + 1));
    step.commit();
  }
}

void require_current_schema(Connection& connection) {
  const int version = version_of(connection);
  refuse_newer(connection, version);
  if (version < schema_version())
    throw Failure(connection.file() + " has the older version " + std::to_string(version) +
                  "; start ecrelayd once, it brings the book up to date");
}

}  // namespace ecrelay::store
