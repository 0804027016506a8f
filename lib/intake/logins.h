#pragma once

#include <optional>
#include <string>

#include "core/network.h"
#include "core/secret.h"
#include "intake/reception.h"

namespace ecrelay::intake {

/// What became of an AUTH.
struct LoginOutcome {
  enum class Verdict { ok, wrong, wait };

  Verdict verdict = Verdict::wrong;
  std::string shop;                   ///< when ok
  std::chrono::milliseconds pause{};  ///< when to wait, or what the next try must wait
};

/// Checks a login against the site's accounts. A login verified a short while ago costs an HMAC;
/// any other costs one crypt(3) on a worker, the same for an unknown user as for a wrong password.
/// Failures are counted by address and user; too many are answered `wait` without a check.
asio::awaitable<LoginOutcome> check_login(Reception& reception, const Site& site, IpAddress from,
                                          std::string user, Secret password);

/// True when `password` makes `hash` again. A hash crypt(3) does not know matches nothing.
bool matches(const Secret& password, const Secret& hash);

}  // namespace ecrelay::intake
