#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace ecrelay::dns {

/// One mechanism or modifier of an SPF record (RFC 7208 5, 6).
struct SpfTerm {
  char qualifier = '+';
  std::string name;   ///< lower case: "include", "ip4", "all", "redirect"
  std::string value;  ///< behind ":" or "="; for a and mx with the "/24" too
  bool modifier = false;

  std::string text() const;  ///< as it stands in a record, without a "+"
  /// "all", or the modifier that takes its place.
  bool ends_record() const { return name == (modifier ? "redirect" : "all"); }
  bool operator==(const SpfTerm&) const = default;
};

bool is_spf(std::string_view record);
/// One term, as in `dns.spf` of the configuration: "include:spf.example.net", "ip4:192.0.2.0/24".
Result<SpfTerm> parse_spf_term(std::string_view text);
/// The terms behind "v=spf1". Errors (invalid): the term that is wrong.
Result<std::vector<SpfTerm>> parse_spf(std::string_view record);

/// One record that lets everybody send whom the records let (several are an error that one record
/// mends), and `wanted` too: what is missing goes in front of "all". Records that do not parse are
/// passed over. With no record it ends in `otherwise` ("~all").
std::string merged_spf(const std::vector<std::string>& records, const std::vector<SpfTerm>& wanted,
                       std::string_view otherwise);

/// The terms that the record lacks.
std::vector<SpfTerm> missing_terms(const std::vector<SpfTerm>& record,
                                   const std::vector<SpfTerm>& wanted);

}  // namespace ecrelay::dns
