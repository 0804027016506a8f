#include "intake/logins.h"

#include <crypt.h>
#include <openssl/crypto.h>

#include <memory>
#include <string_view>

namespace ecrelay::intake {
namespace {

/// What is hashed against when the user is unknown, so that the answer takes as long as for a wrong
/// password: another user's hash, which has the method and cost that this site uses.
Secret decoy(const Site& site) {
  return site.accounts.empty() ? Secret("$y$j9T$4Wc0tvDO3nxm8HlRWgWIq0$")
                               : site.accounts.begin()->second.hash;
}

LoginOutcome outcome(LoginOutcome::Verdict verdict, std::string shop,
                     std::chrono::milliseconds pause) {
  return LoginOutcome{verdict, std::move(shop), pause};
}

}  // namespace

bool matches(const Secret& password, const Secret& hash) {
  auto scratch = std::make_unique<crypt_data>();
  const char* made = crypt_r(password.reveal().c_str(), hash.reveal().c_str(), scratch.get());
  const bool equal = made != nullptr && made[0] != '*' && hash.reveal() == made;
  OPENSSL_cleanse(scratch.get(), sizeof(crypt_data));
  return equal;
}

asio::awaitable<LoginOutcome> check_login(Reception& reception, const Site& site, IpAddress from,
                                          std::string user, Secret password) {
  using Verdict = LoginOutcome::Verdict;
  policy::LoginAttempts& attempts = reception.login_attempts();
  auto shop = reception.verified_logins().find(user, password, std::chrono::steady_clock::now());
  if (shop) co_return outcome(Verdict::ok, std::move(*shop), {});

  const auto pause = attempts.pause(from, user, std::chrono::steady_clock::now());
  if (pause.count() > 0) co_return outcome(Verdict::wait, {}, pause);

  const auto account = site.accounts.find(user);
  const bool known = account != site.accounts.end();
  auto check = [password, hash = known ? account->second.hash : decoy(site)] {
    return matches(password, hash);
  };
  auto checking = reception.ports().workers.run(std::move(check));
  const bool fits = co_await std::move(checking);
  const bool right = known && fits;
  const auto checked_at = std::chrono::steady_clock::now();
  if (!right) {
    attempts.failed(from, user, checked_at);
    co_return outcome(Verdict::wrong, {}, attempts.pause(from, user, checked_at));
  }
  attempts.succeeded(from, user);
  reception.verified_logins().remember(user, password, account->second.shop, checked_at);
  co_return outcome(Verdict::ok, account->second.shop, {});
}

}  // namespace ecrelay::intake
