#include "dns/sheet.h"

#include <utility>

namespace ecrelay::dns {
namespace {

void add_key(std::vector<Wanted>& records, const Needs& needs, const Needs::Key& key) {
  Wanted record;
  record.name = key.selector + "._domainkey." + needs.domain;
  record.value = key.record;
  record.selector = key.selector;
  record.key = key.record;
  if (needs.dkim_zone.empty()) {
    records.push_back(std::move(record));
    return;
  }
  Wanted alias = record;
  alias.type = Type::cname;
  alias.value = dkim_target(key.selector, needs.domain, needs.dkim_zone);
  record.name = alias.value;
  record.by_operator = true;
  records.push_back(std::move(alias));
  records.push_back(std::move(record));
}

/// SPF is about the sender on the envelope: the return path's domain where there is one, which
/// nobody else sends from.
Wanted spf(const Needs& needs) {
  Wanted record;
  record.purpose = Purpose::spf;
  record.name = needs.return_path.value_or(needs.domain);
  record.spf = needs.spf;
  record.needed = !needs.spf.empty();
  if (record.needed) record.value = merged_spf({}, needs.spf, needs.return_path ? "-all" : "~all");
  return record;
}

Wanted return_path(const Needs& needs) {
  Wanted record;
  record.purpose = Purpose::return_path;
  record.name = *needs.return_path;
  const bool alias = !needs.return_path_alias.empty();
  record.type = alias ? Type::cname : Type::mx;
  record.value = alias ? needs.return_path_alias : "10 " + needs.return_path_host;
  return record;
}

}  // namespace

std::string_view text(Purpose purpose) {
  switch (purpose) {
    case Purpose::dkim:
      return "dkim";
    case Purpose::spf:
      return "spf";
    case Purpose::return_path:
      return "return-path";
    case Purpose::dmarc:
      break;
  }
  return "dmarc";
}

std::string dkim_target(std::string_view selector, std::string_view domain, std::string_view zone) {
  std::string name(selector);
  return name.append(".").append(domain).append(".").append(zone);
}

std::vector<Wanted> wanted_records(const Needs& needs) {
  std::vector<Wanted> records;
  for (const Needs::Key& key : needs.keys) add_key(records, needs, key);
  const bool alias = needs.return_path && !needs.return_path_alias.empty();
  // Nothing may stand beside a CNAME (RFC 1034 3.6.2): SPF is then the target's.
  if (!alias) records.push_back(spf(needs));
  if (needs.return_path && (alias || !needs.return_path_host.empty())) {
    records.push_back(return_path(needs));
  }
  Wanted dmarc;
  dmarc.purpose = Purpose::dmarc;
  dmarc.name = "_dmarc." + needs.domain;
  dmarc.value = needs.dmarc;
  dmarc.needed = false;
  records.push_back(std::move(dmarc));
  return records;
}

}  // namespace ecrelay::dns
