#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/money.h"
#include "core/time.h"
#include "core/ulid.h"

namespace ecrelay::records {

/// What a price counts.
enum class Unit { message, recipient };

std::string_view text(Unit unit);
std::optional<Unit> parse_unit(std::string_view text);

/// A charge that policy has decided: the store only keeps it. With Unit::message one charge
/// stands for the message, whatever the number of recipients sent; with Unit::recipient each
/// recipient sent has its own.
struct Charge {
  Unit unit = Unit::message;
  std::uint32_t recipient = 0;  ///< only read when unit is recipient
  Money price;                  ///< the price in force, and the amount
};

/// A row of the ledger: never changed, never removed.
enum class EntryKind { charge, reversal, adjustment };

std::string_view text(EntryKind kind);
std::optional<EntryKind> parse_entry_kind(std::string_view text);

struct LedgerEntry {
  std::int64_t id = 0;
  EntryKind kind = EntryKind::charge;
  TimePoint at;
  std::string day;  ///< JST, "2026-11-23"; derived from `at` by the book
  std::string shop;
  std::optional<Ulid> message;
  std::optional<std::uint32_t> recipient;  ///< absent when the message was charged as a whole
  Unit unit = Unit::message;
  Money price;
  Money amount;
  std::optional<std::int64_t> reverses;  ///< id of the charge that a reversal takes back
  std::string tag;
  std::string reason;
  std::string actor;
};

/// What happened in a span of JST days. Messages, recipients: by day of acceptance. Final states,
/// charges and amount: by the day they came about, so that a day that is over never changes.
/// Over all time: recipients = sent + bounced + suppressed + expired + cancelled + sandboxed +
/// open.
struct Usage {
  std::int64_t messages = 0;
  std::int64_t recipients = 0;
  std::int64_t sent = 0;
  std::int64_t bounced = 0;
  std::int64_t suppressed = 0;
  std::int64_t expired = 0;
  std::int64_t cancelled = 0;
  std::int64_t sandboxed = 0;
  std::int64_t charges = 0;
  Money amount;

  bool operator==(const Usage&) const = default;
};

}  // namespace ecrelay::records
