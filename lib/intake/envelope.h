#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/network.h"
#include "mail/address.h"
#include "mail/compose.h"
#include "policy/admission.h"
#include "records/message.h"
#include "smtp/server_event.h"

namespace ecrelay::intake {

/// Who is talking to us.
struct Client {
  std::string session;  ///< name in logs and traces
  IpAddress address;
  const policy::Host* host = nullptr;        ///< of the session's site
  const policy::Shop* login_shop = nullptr;  ///< after AUTH
  std::string user;                          ///< after AUTH
  std::string helo;
  bool extended = false;
  std::string tls;  ///< "TLSv1.3 TLS_AES_256_GCM_SHA384", empty in clear
};

struct EnvelopeRecipient {
  mail::Address address;
  std::string key;         ///< mail::Address::key()
  std::string suppressed;  ///< the list entry that holds it back; empty: none
};

/// One mail transaction as the client gave it.
struct Envelope {
  std::optional<mail::Address> sender;  ///< nothing: <>
  const policy::Shop* shop = nullptr;   ///< null for <> until header From has decided
  bool eight_bit = false;
  bool smtputf8 = false;
  records::Kind kind = records::Kind::mail;
  std::vector<EnvelopeRecipient> recipients;
};

}  // namespace ecrelay::intake
