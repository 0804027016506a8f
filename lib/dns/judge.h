#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns/reply.h"
#include "dns/sheet.h"

namespace ecrelay::dns {

/// `waiting`: a server of the zone has it, others or the resolver do not yet. `unknown`: nobody who
/// could tell has answered, which is never taken for "absent".
enum class State { ok, waiting, absent, differs, unknown };
std::string_view text(State state);
std::optional<State> parse_state(std::string_view text);

/// What one server has.
struct View {
  std::string server;  ///< "192.0.2.1:53 (ns1.example)"; of the resolver its address
  Reply reply;
};

/// What was seen of one record: TXT for all but return paths, which are asked for as MX.
struct Sighting {
  View resolver;
  std::vector<View> authorities;  ///< empty when the zone's servers could not be found
  /// Of SPF, once included records were fetched; see spf_count.h.
  unsigned lookups = 0;
  std::vector<std::string> spf_faults;
  /// Of DMARC: the record of a parent domain, where it has none of its own.
  std::optional<View> inherited;
};

struct Finding {
  Wanted wanted;
  State state = State::unknown;
  std::vector<std::string> found;    ///< as published, of the server that says most
  std::vector<std::string> aliases;  ///< the CNAMEs that led there
  std::string publish;   ///< what should stand there: Wanted::value, or merged with what is there
  unsigned lookups = 0;  ///< of SPF
  std::vector<std::string> remarks;  ///< why, and what else is worth knowing; a sentence each
};

/// What is published, held against what should be.
Finding judge(const Wanted& wanted, const Sighting& sighting);

/// The SPF record to count look-ups of: what is published, or would be.
std::string spf_to_count(const Wanted& wanted, const Sighting& sighting);

/// Everything about one domain.
struct Report {
  std::string shop;
  std::string domain;
  bool managed_by_operator = false;  ///< the shop's DNS is the operator's business
  std::vector<Finding> findings;
  std::vector<std::string> advice;

  bool ok() const;  ///< all that is needed is there, and nothing is wrong with the rest
};

}  // namespace ecrelay::dns
