#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace ecrelay::dns {

/// A published DKIM key (RFC 6376 3.6.1, RFC 8463).
struct DkimRecord {
  std::string algorithm = "rsa";  ///< k=
  std::string key;                ///< p=, base64 without white space; "" means revoked
  unsigned bits = 0;              ///< of an RSA modulus; 256 of Ed25519; 0: revoked
  bool testing = false;           ///< t=y
  bool for_mail = true;           ///< s= allows it
  bool sha256 = true;             ///< h= allows it
};

/// Is this TXT meant as a key? Others may stand beside it.
bool is_dkim(std::string_view record);
/// Errors (invalid): syntax, another version, an unknown algorithm, a key that is none.
Result<DkimRecord> parse_dkim(std::string_view record);

}  // namespace ecrelay::dns
