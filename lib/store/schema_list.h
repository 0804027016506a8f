#pragma once

namespace ecrelay::store {

/// Trials, liftings and dry runs of the suppression list; counts by which waves are seen.
inline constexpr const char* list_migration = R"sql(
-- Past its time an entry lets one message try (`trial`, its recipient `trial_n`). `lifted_ms`: does
-- not hold until then. `dry`: made in a dry run, holds nobody back.
ALTER TABLE suppression ADD COLUMN trial     BLOB;
ALTER TABLE suppression ADD COLUMN trial_n   INTEGER;
ALTER TABLE suppression ADD COLUMN lifted_ms INTEGER;
ALTER TABLE suppression ADD COLUMN dry       INTEGER NOT NULL DEFAULT 0;

-- A quoted local part may hold another @; such addresses are found by address only.
ALTER TABLE suppression ADD COLUMN domain TEXT
  GENERATED ALWAYS AS (substr(key, instr(key, '@') + 1)) VIRTUAL;
CREATE INDEX suppression_by_domain ON suppression (domain, key) WHERE closed_ms IS NULL;
CREATE INDEX audit_by_target ON audit (target);

-- How many recipients of a domain became final, and how many of them did not exist, in five
-- minutes (`slot`: at_ms / 300,000). What a wave is compared with stays; the rest goes.
CREATE TABLE destination (
  domain  TEXT    NOT NULL,
  slot    INTEGER NOT NULL,
  finals  INTEGER NOT NULL DEFAULT 0,
  unknown INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (domain, slot)
) STRICT, WITHOUT ROWID;
CREATE INDEX destination_plain ON destination (slot) WHERE unknown = 0;
INSERT INTO destination (domain, slot, unknown)
  SELECT domain, at_ms / 300000, count(*) FROM suppression_log
   WHERE reason = 'hard' AND event IN ('added', 'confirmed') GROUP BY 1, 2;
DROP INDEX suppression_log_by_domain;
ALTER TABLE suppression_log DROP COLUMN domain;
)sql";

/// Unknown users by when their mail became final, beside when they were told of.
inline constexpr const char* late_report_migration = R"sql(
-- `gone`: how many of a slot's `finals` turned out not to exist, however late the report came.
-- Until now they are only known by when they were told of (`unknown`).
ALTER TABLE destination ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
UPDATE destination SET gone = unknown;
DROP INDEX destination_plain;
CREATE INDEX destination_plain ON destination (slot) WHERE unknown = 0 AND gone = 0;
)sql";

/// Since when our own name servers say that a domain is dead.
inline constexpr const char* dead_domain_migration = R"sql(
CREATE TABLE dead_domain (
  domain   TEXT    PRIMARY KEY,
  since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

}  // namespace ecrelay::store
