#pragma once

namespace ecrelay::store {

/// Closed months whose charges have left the book for `archive/ledger-YYYYMM.db` (archive.h).
///
/// What is charged once stays so: no message with an id from before the month's end
/// (`charged_before`) can be charged again, because none of them waits any more and none can come
/// into being. So the keys of old charges need no place in the book. Corrections stay in it, and
/// with them what a charge can be reversed once by; day totals stay too.
///
/// The ledger is written anew because its rows may now outlive the charge that they take back, and
/// a foreign key cannot be dropped.
inline constexpr const char* archive_migration = R"sql(
CREATE TABLE archive (
  month          TEXT    PRIMARY KEY,
  sha256         TEXT    NOT NULL CHECK (length(sha256) = 64),
  bytes          INTEGER NOT NULL,
  first_row      INTEGER NOT NULL,
  last_row       INTEGER NOT NULL,
  entries        INTEGER NOT NULL,     -- rows, corrections included
  net_milli      INTEGER NOT NULL,
  charged_before BLOB    NOT NULL CHECK (length(charged_before) = 16),
  archived_ms    INTEGER NOT NULL,
  actor          TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX archive_walls ON archive (charged_before);
CREATE INDEX archive_rows ON archive (last_row);
CREATE TRIGGER archive_guard BEFORE INSERT ON archive BEGIN
  SELECT RAISE(ABORT, 'months are archived once, and in their order')
   WHERE NEW.month IS NOT (SELECT min(month) FROM month
                            WHERE month > ifnull((SELECT max(month) FROM archive), ''));
  SELECT RAISE(ABORT, 'an archive holds all of its month')
   WHERE (NEW.entries, NEW.net_milli) IS NOT (
     SELECT ifnull(sum(charges + reversals + adjustments), 0),
            ifnull(sum(amount_milli + reversals_milli + adjustments_milli), 0)
       FROM daily WHERE substr(day, 1, 7) = NEW.month);
  SELECT RAISE(ABORT, 'a message that waits may still be charged')
   WHERE EXISTS (SELECT 1 FROM message WHERE open_recipients > 0 AND +id < NEW.charged_before);
  SELECT RAISE(ABORT, 'an archive shuts out what is from before the end of its month')
   WHERE hex(NEW.charged_before) IS NOT
         (SELECT printf('%012X%020d', until_ms, 0) FROM month WHERE month = NEW.month);
END;
CREATE TRIGGER archive_no_update BEFORE UPDATE ON archive BEGIN
  SELECT RAISE(ABORT, 'an archive never changes');
END;
CREATE TRIGGER archive_no_delete BEFORE DELETE ON archive BEGIN
  SELECT RAISE(ABORT, 'an archive is never forgotten');
END;

CREATE INDEX daily_by_day ON daily (day);

CREATE TRIGGER message_archived BEFORE INSERT ON message BEGIN
  SELECT RAISE(ABORT, 'the message is older than what has been archived: is the clock right?')
   WHERE NEW.id < (SELECT max(charged_before) FROM archive);
END;

DROP TRIGGER ledger_guard;
DROP TRIGGER ledger_no_update;
DROP TRIGGER ledger_no_delete;
DROP TRIGGER ledger_closed;
DROP TRIGGER ledger_charge;
DROP TRIGGER ledger_correction;
DROP TRIGGER ledger_booked;
CREATE TABLE ledger_anew (
  id           INTEGER PRIMARY KEY CHECK (id > 0),
  kind         TEXT    NOT NULL CHECK (kind IN ('charge', 'reversal', 'adjustment')),
  at_ms        INTEGER NOT NULL CHECK (at_ms > 0),
  booked_ms    INTEGER,                -- NULL: at its own time
  shop         TEXT    NOT NULL,
  message      BLOB    CHECK (length(message) = 16),
  recipient    INTEGER,
  recipients   INTEGER,                -- of a message charged as a whole
  unit         TEXT    NOT NULL CHECK (unit IN ('message', 'recipient')),
  price_milli  INTEGER NOT NULL,
  amount_milli INTEGER NOT NULL,
  reverses     INTEGER,
  tag          TEXT    NOT NULL DEFAULT '',
  reason       TEXT    NOT NULL DEFAULT '',
  actor        TEXT    NOT NULL DEFAULT '',
  -- Japan has no daylight saving: JST is UTC plus 32,400 seconds.
  day   TEXT GENERATED ALWAYS AS
    (date(ifnull(booked_ms, at_ms) / 1000 + 32400, 'unixepoch')) VIRTUAL,
  month TEXT GENERATED ALWAYS AS
    (strftime('%Y-%m', ifnull(booked_ms, at_ms) / 1000 + 32400, 'unixepoch')) VIRTUAL
) STRICT;
INSERT INTO ledger_anew (id, kind, at_ms, booked_ms, shop, message, recipient, recipients, unit,
                         price_milli, amount_milli, reverses, tag, reason, actor)
  SELECT id, kind, at_ms, booked_ms, shop, message, recipient, recipients, unit,
         price_milli, amount_milli, reverses, tag, reason, actor FROM ledger ORDER BY id;
DROP TABLE ledger;
ALTER TABLE ledger_anew RENAME TO ledger;
CREATE UNIQUE INDEX ledger_charged_once ON ledger (message, ifnull(recipient, -1))
  WHERE kind = 'charge';
CREATE UNIQUE INDEX ledger_reversed_once ON ledger (reverses) WHERE reverses IS NOT NULL;

-- REPLACE removes the row in its way without any DELETE trigger, so what could be in its way is
-- refused before the insert. A message is charged as a whole or by recipient, never both.
CREATE TRIGGER ledger_guard BEFORE INSERT ON ledger BEGIN
  SELECT RAISE(ABORT, 'a ledger row is never replaced')
   WHERE EXISTS (SELECT 1 FROM ledger WHERE id = NEW.id);
  SELECT RAISE(ABORT, 'reversed once for ever')
   WHERE EXISTS (SELECT 1 FROM ledger WHERE reverses = NEW.reverses);
END;
CREATE TRIGGER ledger_closed BEFORE INSERT ON ledger BEGIN
  SELECT RAISE(ABORT, 'the month is closed')
   WHERE ifnull(NEW.booked_ms, NEW.at_ms) < (SELECT max(until_ms) FROM month);
  SELECT RAISE(ABORT, 'only what lies in a closed month is booked in another')
   WHERE NEW.booked_ms IS NOT NULL
     AND (NEW.booked_ms <= NEW.at_ms OR NEW.booked_ms IS NOT (SELECT max(until_ms) FROM month));
END;
CREATE TRIGGER ledger_charge BEFORE INSERT ON ledger WHEN NEW.kind = 'charge' BEGIN
  SELECT RAISE(ABORT, 'a charge is one unit at its price')
   WHERE NEW.price_milli < 0 OR NEW.amount_milli <> NEW.price_milli OR NEW.message IS NULL
      OR NEW.reverses IS NOT NULL OR (NEW.unit = 'recipient') <> (NEW.recipient IS NOT NULL);
  SELECT RAISE(ABORT, 'charged once for ever')
   WHERE NEW.message < (SELECT max(charged_before) FROM archive) OR EXISTS (
     SELECT 1 FROM ledger WHERE kind = 'charge' AND message = NEW.message
        AND (recipient IS NULL OR NEW.recipient IS NULL OR recipient = NEW.recipient));
  SELECT RAISE(ABORT, 'what was not sent is not charged')
   WHERE NOT EXISTS (
     SELECT 1 FROM recipient WHERE message = NEW.message AND state = 'sent'
        AND (NEW.recipient IS NULL OR n = NEW.recipient));
  SELECT RAISE(ABORT, 'only the mail of a shop is charged, and to that shop')
   WHERE EXISTS (SELECT 1 FROM message
                  WHERE id = NEW.message AND (kind <> 'mail' OR shop <> NEW.shop));
END;
CREATE TRIGGER ledger_correction BEFORE INSERT ON ledger WHEN NEW.kind <> 'charge' BEGIN
  SELECT RAISE(ABORT, 'a correction has a reason and an actor')
   WHERE NEW.reason = '' OR NEW.actor = '';
  SELECT RAISE(ABORT, 'there are charges, reversals and adjustments')
   WHERE NEW.kind NOT IN ('reversal', 'adjustment')
      OR (NEW.kind = 'reversal') <> (NEW.reverses IS NOT NULL);
  SELECT RAISE(ABORT, 'an adjustment is an amount and nothing else')
   WHERE NEW.kind = 'adjustment' AND (NEW.amount_milli = 0 OR NEW.price_milli <> 0
      OR NEW.message IS NOT NULL OR NEW.recipient IS NOT NULL);
  SELECT RAISE(ABORT, 'a reversal takes back one charge, whole')
   WHERE NEW.kind = 'reversal' AND NOT EXISTS (
     SELECT 1 FROM ledger WHERE id = NEW.reverses AND kind = 'charge' AND shop = NEW.shop
        AND message IS NEW.message AND recipient IS NEW.recipient AND unit = NEW.unit
        AND price_milli = NEW.price_milli AND amount_milli = -NEW.amount_milli)
     -- Of a charge that is in an archive the book knows no more than this.
     AND NOT (NEW.reverses <= ifnull((SELECT max(last_row) FROM archive), 0)
        AND NOT EXISTS (SELECT 1 FROM ledger WHERE id = NEW.reverses)
        AND ifnull(NEW.message < (SELECT max(charged_before) FROM archive), 0)
        AND NEW.price_milli >= 0 AND NEW.amount_milli = -NEW.price_milli
        AND (NEW.unit = 'recipient') = (NEW.recipient IS NOT NULL));
END;
CREATE TRIGGER ledger_booked AFTER INSERT ON ledger BEGIN
  SELECT RAISE(ABORT, 'the number belongs to a row that is in an archive')
   WHERE NEW.id <= (SELECT max(last_row) FROM archive);
  INSERT INTO daily (shop, day) SELECT NEW.shop, NEW.day
    WHERE NOT EXISTS (SELECT 1 FROM daily WHERE shop = NEW.shop AND day = NEW.day);
  UPDATE daily SET
      charges = charges + (NEW.kind = 'charge'),
      amount_milli = amount_milli + iif(NEW.kind = 'charge', NEW.amount_milli, 0),
      reversals = reversals + (NEW.kind = 'reversal'),
      reversals_milli = reversals_milli + iif(NEW.kind = 'reversal', NEW.amount_milli, 0),
      adjustments = adjustments + (NEW.kind = 'adjustment'),
      adjustments_milli = adjustments_milli + iif(NEW.kind = 'adjustment', NEW.amount_milli, 0),
      first_row = min(ifnull(first_row, NEW.id), NEW.id),
      last_row = max(ifnull(last_row, NEW.id), NEW.id)
    WHERE shop = NEW.shop AND day = NEW.day;
END;
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only');
END;
-- The last row stays, because the next one is numbered after it; so does the charge of a message
-- whose id lies ahead of its time, by a clock that was wrong.
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only')
   WHERE OLD.kind <> 'charge' OR OLD.month NOT IN (SELECT month FROM archive)
      OR OLD.message >= (SELECT max(charged_before) FROM archive)
      OR OLD.id = (SELECT max(id) FROM ledger);
END;
)sql";

/// An archive: the ledger's rows of one month, as they stood in the book.
inline constexpr const char* archive_schema = R"sql(
CREATE TABLE ledger (
  id           INTEGER PRIMARY KEY,
  kind         TEXT    NOT NULL,
  at_ms        INTEGER NOT NULL,
  booked_ms    INTEGER,
  shop         TEXT    NOT NULL,
  message      BLOB,
  recipient    INTEGER,
  recipients   INTEGER,
  unit         TEXT    NOT NULL,
  price_milli  INTEGER NOT NULL,
  amount_milli INTEGER NOT NULL,
  reverses     INTEGER,
  tag          TEXT    NOT NULL,
  reason       TEXT    NOT NULL,
  actor        TEXT    NOT NULL,
  day   TEXT GENERATED ALWAYS AS
    (date(ifnull(booked_ms, at_ms) / 1000 + 32400, 'unixepoch')) VIRTUAL
) STRICT;
CREATE UNIQUE INDEX ledger_charged_once ON ledger (message, ifnull(recipient, -1))
  WHERE kind = 'charge';
)sql";

}  // namespace ecrelay::store
