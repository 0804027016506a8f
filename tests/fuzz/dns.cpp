#include <string>
#include <string_view>

#include "core/text.h"
#include "dns/dkim_record.h"
#include "dns/dmarc.h"
#include "dns/message.h"
#include "dns/reply.h"
#include "dns/spf_count.h"
#include "target.h"

/// Replies of name servers, and the records in them: names come out fit for a line, what is read
/// as SPF is written as what reads the same, and counting its look-ups ends whatever is included.
namespace ecrelay {
namespace {

using fuzz::require;

void check_name(std::string_view name) {
  require(name.size() <= 1020, "a name is bounded, its escapes included");
  for (const char c : name) require(!text::is_control(c), "no control character in a name");
}

void check_spf(const std::string& record) {
  const auto terms = dns::parse_spf(record);
  if (!terms) return;
  for (const dns::SpfTerm& term : *terms) {
    const auto again = dns::parse_spf_term(term.text());
    require(again && *again == term, "a term is written as it was read");
  }
  require(dns::missing_terms(*terms, *terms).empty(), "a record has its own terms");
  const std::string merged = dns::merged_spf({record}, *terms, "~all");
  require(static_cast<bool>(dns::parse_spf(merged)), "what is merged is a record");

  dns::SpfCount count(record);
  dns::Reply itself;
  itself.standing = dns::Standing::found;
  itself.values = {record};
  for (int questions = 0; count.next(); ++questions) {
    require(questions < 20, "counting ends");
    count.give(itself);
  }
}

void check_text(const std::string& record) {
  check_spf(record);
  if (const auto key = dns::parse_dkim(record))
    require(key->key.empty() == (key->bits == 0), "a key has bits, a revoked one none");
  if (const auto policy = dns::parse_dmarc(record)) require(!policy->empty(), "a policy is named");
}

}  // namespace
}  // namespace ecrelay

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ecrelay;
  const std::string_view input = fuzz::text_of(data, size);
  check_text(std::string(input));
  const auto message = dns::parse_message(input);
  if (!message) return 0;
  for (const dns::Record& record : message->answers) {
    check_name(record.owner);
    if (record.type == dns::Type::ns || record.type == dns::Type::cname) check_name(record.value);
    if (record.type == dns::Type::txt) check_text(record.value);
    dns::read_reply(*message, record.owner, record.type);
  }
  return 0;
}
