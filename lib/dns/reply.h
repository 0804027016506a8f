#pragma once

#include <string>
#include <vector>

#include "dns/message.h"

namespace ecrelay::dns {

/// What became of one question to one server. Only the first three are answers: a server that
/// fails or keeps silent has not said that there is nothing.
enum class Standing { found, no_data, no_name, failed, silent };
std::string_view text(Standing standing);  ///< "found", "no data", "NXDOMAIN", …

struct Reply {
  Standing standing = Standing::silent;
  std::vector<std::string> values;   ///< Record::value of the type that was asked for, sorted
  std::vector<std::string> aliases;  ///< where CNAMEs led, in order
  std::string detail;                ///< of `failed` and `silent`: "SERVFAIL", "no answer in time"

  bool answered() const { return standing <= Standing::no_name; }
};

/// The answer to (name, type) in the message: CNAMEs are followed inside it, at most 16.
Reply read_reply(const Message& message, const std::string& name, Type type);
Reply failed(std::string detail);
Reply silent(std::string detail);

}  // namespace ecrelay::dns
