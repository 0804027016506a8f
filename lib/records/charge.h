#pragma once

#include <chrono>
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
  TimePoint booked_at;  ///< `at`, but for what came after its month was closed
  std::string day;      ///< JST day of booked_at, "2026-11-23"; derived by the book
  std::string shop;
  std::optional<Ulid> message;
  std::optional<std::uint32_t> recipient;  ///< absent when the message was charged as a whole
  std::optional<std::int64_t> recipients;  ///< of a message charged as a whole, when it was charged
  Unit unit = Unit::message;
  Money price;
  Money amount;
  std::optional<std::int64_t> reverses;  ///< id of the charge that a reversal takes back
  std::string tag;
  std::string reason;
  std::string actor;
};

/// What happened in a span of JST days. Messages, recipients: by day of acceptance. Final states:
/// by the day they came about, so that a day that is over never changes. Of shops' mail only; what
/// we send ourselves is counted by message in `reports` and `tests`, and nowhere else.
/// Over all time: recipients = sent + bounced + suppressed + expired + cancelled + sandboxed +
/// open.
struct Counts {
  std::int64_t messages = 0;
  std::int64_t recipients = 0;
  std::int64_t sent = 0;
  std::int64_t bounced = 0;
  std::int64_t suppressed = 0;
  std::int64_t expired = 0;
  std::int64_t cancelled = 0;
  std::int64_t sandboxed = 0;
  std::int64_t reports = 0;
  std::int64_t tests = 0;
  std::int64_t bounced_later = 0;  ///< sent and charged; a report said later that it bounced

  bool operator==(const Counts&) const = default;
};

/// Counts, and what the ledger says beside them, by the day it was booked.
struct Usage : Counts {
  std::int64_t charges = 0;
  Money amount;  ///< of the charges
  std::int64_t reversals = 0;
  Money reversed;  ///< sum of the reversals: not positive
  std::int64_t adjustments = 0;
  Money adjusted;

  Money net() const { return amount + reversed + adjusted; }

  bool operator==(const Usage&) const = default;
};

/// A shop's JST day.
struct ShopDay {
  std::string shop;
  std::string day;  ///< "2026-11-23"
  Usage usage;

  bool operator==(const ShopDay&) const = default;
};

/// A price as it was noted. A later one of the same shop and day stands for the earlier.
struct PriceRow {
  std::string shop;                 ///< "" is everybody
  std::chrono::year_month_day day;  ///< in force from the beginning of this JST day
  Unit unit = Unit::message;
  std::optional<Money> price;  ///< absent: an earlier row is taken back
  TimePoint noted_at;
};

}  // namespace ecrelay::records
