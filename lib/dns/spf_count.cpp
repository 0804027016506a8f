#include "dns/spf_count.h"

#include <algorithm>
#include <array>

#include "core/escape.h"
#include "core/text.h"

namespace ecrelay::dns {
namespace {

constexpr unsigned enough = 20;

bool costs_a_lookup(const SpfTerm& term) {
  constexpr auto names = std::to_array<std::string_view>({"include", "a", "mx", "ptr", "exists"});
  if (term.modifier) return term.name == "redirect";
  return std::find(names.begin(), names.end(), term.name) != names.end();
}

/// Of those that cost one.
bool leads_on(const SpfTerm& term) { return term.name == "include" || term.modifier; }

}  // namespace

SpfCount::SpfCount(std::string_view record) {
  if (const auto terms = parse_spf(record)) count(*terms);
}

void SpfCount::count(const std::vector<SpfTerm>& terms) {
  for (const SpfTerm& term : terms) {
    if (!costs_a_lookup(term) || lookups_ >= enough) continue;
    ++lookups_;
    if (!leads_on(term)) continue;
    if (term.value.find('%') != std::string::npos) {  // a macro: it depends on the mail
      complete_ = false;
      continue;
    }
    waiting_.push_back(canonical(term.value));
  }
}

std::optional<std::string> SpfCount::next() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.front();
}

void SpfCount::give(const Reply& reply) {
  const std::string name = waiting_.front();
  waiting_.pop_front();
  if (!reply.answered()) {
    complete_ = false;
    return;
  }
  std::vector<std::string> records;
  std::copy_if(reply.values.begin(), reply.values.end(), std::back_inserter(records), is_spf);
  if (reply.standing != Standing::found && ++voids_ > most_void_lookups) {
    fault(name, "the third look-up that finds nothing; 2 are allowed");
  }
  if (records.empty()) return fault(name, "included, and has no SPF record");
  if (records.size() > 1) return fault(name, "included, and has several SPF records");
  const auto terms = parse_spf(records.front());
  if (!terms) return fault(name, "included, and wrong: " + terms.error().detail);
  count(*terms);
}

void SpfCount::fault(const std::string& name, const std::string& what) {
  faults_.push_back(printable(name, 255) + ": " + what);
}

}  // namespace ecrelay::dns
