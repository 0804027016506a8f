#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "records/list_rules.h"
#include "records/message.h"
#include "records/suppression.h"
#include "store/database.h"

/// What the relay lists it lists for a time; then one message tries whether the address lives, and
/// all other mail to it is held back until that is known. Which message that is stands in the
/// entry, and how it went follows from that message's own row and reports: there is nothing to lose
/// in a crash, and nothing to clear up when the message is cancelled or taken back.
namespace ecrelay::store {

/// How an entry stands at `now`. A trial has failed when a new entry took the place of this one,
/// has succeeded when its message was delivered and stayed quiet for `quiet`, and has told nothing
/// when it ended otherwise. For entries before their time this asks nobody.
records::Standing standing_of(Connection& book, const records::SuppressionEntry& entry,
                              TimePoint now, Duration quiet);

/// A recipient of a message that is being accepted, whose entry lets another message try.
struct HeldBehind {
  std::uint32_t recipient = 0;
  std::int64_t entry = 0;
};

/// Makes the message the trial of every entry past its time that its open recipients meet; those
/// whose entries have one already become `suppressed`, and are returned. Entries whose trial has
/// succeeded are closed. About 2 us a recipient.
std::vector<HeldBehind> claim_trials(Transaction& change, const records::Message& message,
                                     std::vector<records::Recipient>& recipients,
                                     const records::ListRules& rules);

/// The entries that `message` tries, of those that hold for `shop`.
std::vector<records::SuppressionEntry> tried_by(Connection& book, const Ulid& message,
                                                std::string_view key, std::string_view shop);

}  // namespace ecrelay::store
