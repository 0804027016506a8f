#pragma once

#include <memory>
#include <string>
#include <vector>

#include "records/message.h"

namespace ecrelay::store {

/// A message to be kept. `message.location` is filled by the store; a recipient's state may be
/// open (to be delivered) or final at once (suppressed, sandboxed).
struct Acceptance {
  records::Message message;
  std::vector<records::Recipient> recipients;
  std::string head;                         ///< fields added on top: Received, signatures …
  std::shared_ptr<const std::string> body;  ///< the rest of the mail; never null
};

}  // namespace ecrelay::store
