#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "core/ulid.h"
#include "records/signing_key.h"
#include "store/database.h"

/// What the book remembers of domains: their keys and what DNS had last.
namespace ecrelay::store {

/// All keys, or those of one domain; in order of domain and selector.
std::vector<records::SigningKey> signing_keys(Connection& book, std::string_view domain = {});
/// The keys of a domain are these from now on, and no others.
void replace_signing_keys(Transaction& change, std::string_view domain,
                          const std::vector<records::SigningKey>& keys);
/// Does mail wait that this key has signed? Reads the open recipients.
bool has_open_mail_signed(Connection& book, std::string_view domain, std::string_view selector);

std::vector<records::DnsRecord> dns_records(Connection& book);
/// The records of a domain are these from now on, and no others.
void replace_dns_records(Transaction& change, std::string_view domain,
                         const std::vector<records::DnsRecord>& records);

/// What stands in the reply of recipients that are held until a key of the domain is in DNS.
std::string waiting_for_key(std::string_view domain);
/// The domains that recipients are held for so. Reads the held recipients, as does the next.
std::vector<std::string> domains_waiting_for_keys(Connection& book);
std::int64_t count_waiting_for_key(Connection& book, std::string_view domain);

/// A message whose held recipients are due now.
struct Released {
  Ulid message;
  std::string upstream;
  std::int64_t recipients = 0;
};
/// Recipients that were held for a key of the domain are queued and due, of at most `limit`
/// messages.
std::vector<Released> release_waiting(Transaction& change, std::string_view domain, TimePoint now,
                                      std::size_t limit);

}  // namespace ecrelay::store
