#pragma once

/// Private to schema.cpp.
namespace ecrelay::store {

/// The life of DKIM keys, and what was found in DNS last.
inline constexpr const char* dns_migration = R"sql(
CREATE TABLE signing_key (
  domain    TEXT    NOT NULL,
  selector  TEXT    NOT NULL,
  algorithm TEXT    NOT NULL,
  record    TEXT    NOT NULL,
  state     TEXT    NOT NULL CHECK (state IN ('pending', 'active', 'retiring', 'retired')),
  since_ms  INTEGER NOT NULL,
  until_ms  INTEGER,
  PRIMARY KEY (domain, selector)
) STRICT, WITHOUT ROWID;

CREATE TABLE dns_record (
  domain   TEXT    NOT NULL,
  record   TEXT    NOT NULL,
  name     TEXT    NOT NULL,
  state    TEXT    NOT NULL,
  since_ms INTEGER NOT NULL,
  remark   TEXT    NOT NULL,
  PRIMARY KEY (domain, record)
) STRICT, WITHOUT ROWID;
)sql";

}  // namespace ecrelay::store
