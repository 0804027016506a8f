#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns/message.h"
#include "dns/spf.h"

namespace ecrelay::dns {

enum class Purpose { dkim, spf, return_path, dmarc };
std::string_view text(Purpose purpose);  ///< "dkim", "spf", "return-path", "dmarc"

/// What a domain needs in DNS for its mail to be believed, as the configuration has it.
struct Needs {
  struct Key {
    std::string selector;
    std::string record;  ///< "v=DKIM1; k=rsa; p=…"
  };
  std::string domain;
  std::vector<Key> keys;
  std::optional<std::string> return_path;
  std::string return_path_host;  ///< the MX that takes reports; "" when none does
  /// The name of the operator's that return paths point to; "" for an MX of their own.
  std::string return_path_alias;
  std::vector<SpfTerm> spf;  ///< who delivers; empty when the configuration does not say
  std::string dkim_zone;     ///< the operator's zone of keys; "" for keys in the shop's own zone
  std::string dmarc;         ///< proposed where there is none
};

/// One record to publish.
struct Wanted {
  Purpose purpose = Purpose::dkim;
  std::string name;
  Type type = Type::txt;
  std::string value;  ///< of SPF: what to write when there is no record yet
  /// Without it mail is not signed validly, not from where it says, or reports get lost.
  bool needed = true;
  bool by_operator = false;  ///< in the operator's own zone, not in the shop's
  std::string selector;      ///< of a key
  std::string key;           ///< of a key: the record itself, also behind a CNAME
  std::vector<SpfTerm> spf;
};

/// In the order in which one publishes them.
std::vector<Wanted> wanted_records(const Needs& needs);

/// The target in `zone` of the CNAME for a key: "r1.shop-a.example.dkim.example.jp".
std::string dkim_target(std::string_view selector, std::string_view domain, std::string_view zone);

}  // namespace ecrelay::dns
