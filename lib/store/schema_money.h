#pragma once

namespace ecrelay::store {

/// Prices, months, and a ledger that nobody can bend (promises P3 and P4). What must hold stands
/// in triggers and not in CHECKs alone, because a connection can switch CHECKs off.
///
/// A row of the ledger keeps its own time; where that lies in a closed month it is booked
/// (`booked_ms`) in the first instant of the oldest open one. `daily` follows the ledger by
/// trigger, and its row numbers say where in the ledger a shop's day is to be found: row numbers
/// ascend, so no index by time is paid for by every charge.
inline constexpr const char* money_migration = R"sql(
CREATE TABLE price (
  id          INTEGER PRIMARY KEY CHECK (id > 0),
  shop        TEXT    NOT NULL,   -- '' is everybody
  day         TEXT    NOT NULL CHECK (date(day, '+0 days') IS day),
  unit        TEXT    NOT NULL CHECK (unit IN ('message', 'recipient')),
  price_milli INTEGER CHECK (price_milli >= 0),   -- NULL takes an earlier row back
  noted_ms    INTEGER NOT NULL
) STRICT;
CREATE INDEX price_in_force ON price (shop, day, id);
CREATE TRIGGER price_guard BEFORE INSERT ON price BEGIN
  SELECT RAISE(ABORT, 'a price is never replaced')
   WHERE EXISTS (SELECT 1 FROM price WHERE id = NEW.id);
  -- A book that was charged by before it knew prices learns them once.
  SELECT RAISE(ABORT, 'a price begins on a day for which nothing has been charged yet')
   WHERE EXISTS (SELECT 1 FROM price WHERE noted_ms <> NEW.noted_ms)
     AND EXISTS (SELECT 1 FROM daily WHERE charges > 0 AND day >= NEW.day
                    AND (NEW.shop = '' OR shop = NEW.shop));
END;
CREATE TRIGGER price_no_update BEFORE UPDATE ON price BEGIN
  SELECT RAISE(ABORT, 'a price is never edited');
END;
CREATE TRIGGER price_no_delete BEFORE DELETE ON price BEGIN
  SELECT RAISE(ABORT, 'a price is never removed');
END;

CREATE TABLE month (
  month     TEXT    PRIMARY KEY,
  until_ms  INTEGER NOT NULL,          -- the first instant after it
  closed_ms INTEGER NOT NULL,
  actor     TEXT    NOT NULL,
  manifest  TEXT    NOT NULL,
  sha256    TEXT    NOT NULL CHECK (length(sha256) = 64),
  previous  TEXT    NOT NULL           -- sha256 of the month closed before; '' for the first
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX month_until ON month (until_ms);
CREATE TABLE month_shop (
  month TEXT NOT NULL,
  shop  TEXT NOT NULL,
  name  TEXT NOT NULL,
  PRIMARY KEY (month, shop)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER month_guard BEFORE INSERT ON month BEGIN
  SELECT RAISE(ABORT, 'a month is closed once, for ever, and after those before it')
   WHERE NEW.month <= (SELECT max(month) FROM month);
  SELECT RAISE(ABORT, 'a month ends at midnight in Tokyo')
   WHERE NEW.until_ms IS NOT
         (CAST(strftime('%s', NEW.month || '-01', '+1 month') AS INTEGER) - 32400) * 1000;
  SELECT RAISE(ABORT, 'a month that is not over cannot be closed')
   WHERE NEW.closed_ms < NEW.until_ms;
  SELECT RAISE(ABORT, 'a month names the one closed before it')
   WHERE NEW.previous <> ifnull((SELECT sha256 FROM month ORDER BY month DESC LIMIT 1), '');
END;
CREATE TRIGGER month_no_update BEFORE UPDATE ON month BEGIN
  SELECT RAISE(ABORT, 'a closed month never changes');
END;
CREATE TRIGGER month_no_delete BEFORE DELETE ON month BEGIN
  SELECT RAISE(ABORT, 'a closed month is never opened again');
END;
CREATE TRIGGER month_shop_guard BEFORE INSERT ON month_shop BEGIN
  SELECT RAISE(ABORT, 'a closed month never changes')
   WHERE NEW.month <= (SELECT max(month) FROM month)
      OR EXISTS (SELECT 1 FROM month_shop WHERE month = NEW.month AND shop = NEW.shop);
END;
CREATE TRIGGER month_shop_no_update BEFORE UPDATE ON month_shop BEGIN
  SELECT RAISE(ABORT, 'a closed month never changes');
END;
CREATE TRIGGER month_shop_no_delete BEFORE DELETE ON month_shop BEGIN
  SELECT RAISE(ABORT, 'a closed month never changes');
END;

ALTER TABLE ledger DROP COLUMN day;
ALTER TABLE ledger DROP COLUMN month;
ALTER TABLE ledger ADD COLUMN recipients INTEGER;   -- of a message charged as a whole
ALTER TABLE ledger ADD COLUMN booked_ms INTEGER;    -- NULL: at its own time
ALTER TABLE ledger ADD COLUMN day TEXT GENERATED ALWAYS AS
  (date(ifnull(booked_ms, at_ms) / 1000 + 32400, 'unixepoch')) VIRTUAL;
ALTER TABLE ledger ADD COLUMN month TEXT GENERATED ALWAYS AS
  (strftime('%Y-%m', ifnull(booked_ms, at_ms) / 1000 + 32400, 'unixepoch')) VIRTUAL;

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
  SELECT RAISE(ABORT, 'a reversal takes back one charge, whole')
   WHERE NEW.kind = 'reversal' AND NOT EXISTS (
     SELECT 1 FROM ledger WHERE id = NEW.reverses AND kind = 'charge' AND shop = NEW.shop
        AND message IS NEW.message AND recipient IS NEW.recipient AND unit = NEW.unit
        AND price_milli = NEW.price_milli AND amount_milli = -NEW.amount_milli);
END;

-- Our own reports and test mails stand beside what shops sent: counted by message, in columns of
-- their own, and in none of the others.
ALTER TABLE daily ADD COLUMN reports INTEGER NOT NULL DEFAULT 0;
ALTER TABLE daily ADD COLUMN tests INTEGER NOT NULL DEFAULT 0;
ALTER TABLE daily ADD COLUMN bounced_later INTEGER NOT NULL DEFAULT 0;
ALTER TABLE daily ADD COLUMN reversals INTEGER NOT NULL DEFAULT 0;
ALTER TABLE daily ADD COLUMN reversals_milli INTEGER NOT NULL DEFAULT 0;     -- a negative sum
ALTER TABLE daily ADD COLUMN adjustments INTEGER NOT NULL DEFAULT 0;
ALTER TABLE daily ADD COLUMN adjustments_milli INTEGER NOT NULL DEFAULT 0;
ALTER TABLE daily ADD COLUMN first_row INTEGER;
ALTER TABLE daily ADD COLUMN last_row INTEGER;

INSERT INTO daily (shop, day) SELECT DISTINCT shop, day FROM ledger
  WHERE NOT EXISTS (SELECT 1 FROM daily WHERE shop = ledger.shop AND day = ledger.day);
UPDATE daily SET charges = sums.charges, amount_milli = sums.amount, reversals = sums.reversals,
    reversals_milli = sums.reversed, adjustments = sums.adjustments,
    adjustments_milli = sums.adjusted, first_row = sums.first, last_row = sums.last
  FROM (SELECT shop, day, min(id) AS first, max(id) AS last,
          count(*) FILTER (WHERE kind = 'charge') AS charges,
          ifnull(sum(amount_milli) FILTER (WHERE kind = 'charge'), 0) AS amount,
          count(*) FILTER (WHERE kind = 'reversal') AS reversals,
          ifnull(sum(amount_milli) FILTER (WHERE kind = 'reversal'), 0) AS reversed,
          count(*) FILTER (WHERE kind = 'adjustment') AS adjustments,
          ifnull(sum(amount_milli) FILTER (WHERE kind = 'adjustment'), 0) AS adjusted
        FROM ledger GROUP BY shop, day) AS sums
  WHERE sums.shop = daily.shop AND sums.day = daily.day;

CREATE TRIGGER ledger_booked AFTER INSERT ON ledger BEGIN
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
CREATE TRIGGER daily_guard BEFORE INSERT ON daily BEGIN
  SELECT RAISE(ABORT, 'a daily total is never replaced')
   WHERE EXISTS (SELECT 1 FROM daily WHERE shop = NEW.shop AND day = NEW.day);
  SELECT RAISE(ABORT, 'the month is closed')
   WHERE substr(NEW.day, 1, 7) <= (SELECT max(month) FROM month);
END;
CREATE TRIGGER daily_keeps BEFORE UPDATE ON daily BEGIN
  SELECT RAISE(ABORT, 'a daily total belongs to its shop and day')
   WHERE NEW.shop <> OLD.shop OR NEW.day <> OLD.day;
  SELECT RAISE(ABORT, 'the month is closed')
   WHERE substr(OLD.day, 1, 7) <= (SELECT max(month) FROM month);
END;
CREATE TRIGGER daily_no_delete BEFORE DELETE ON daily BEGIN
  SELECT RAISE(ABORT, 'a daily total is never removed');
END;
)sql";

}  // namespace ecrelay::store
