#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <unordered_map>

#include "config/settings.h"
#include "net/awaitable.h"
#include "net/name_servers.h"

namespace ecrelay::reports {

/// What DNS says of a domain that mail is for.
enum class DomainLook {
  unknown,  ///< it could not be asked
  lives,    ///< it has a mail server, or an address
  dead,     ///< NXDOMAIN, nothing to send mail to, or a null MX (RFC 7505)
};

/// Our own look at domains that reports call dead or cannot reach (BOUNCE_RULES row 18). Answers
/// are kept for five minutes, so that a storm asks once. Network thread.
class DomainLooks {
 public:
  /// Throws std::runtime_error when c-ares cannot start.
  DomainLooks(const asio::any_io_executor& executor, const config::Dns& settings);

  /// `domain` is an A-label. A few seconds at most.
  asio::awaitable<DomainLook> look(std::string domain);

 private:
  using Clock = std::chrono::steady_clock;
  struct Known {
    DomainLook look = DomainLook::unknown;
    Clock::time_point until;
  };

  asio::awaitable<DomainLook> ask(std::string domain);

  net::NameServers names_;
  std::unordered_map<std::string, Known> known_;
};

}  // namespace ecrelay::reports
