#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/time.h"
#include "dispatch/job.h"
#include "policy/operator_rule.h"
#include "policy/price.h"
#include "policy/retry.h"
#include "policy/return_path.h"
#include "policy/verdict.h"
#include "smtp/client_event.h"
#include "store/queue.h"

namespace ecrelay::dispatch {

/// Where and when an attempt was made.
struct Attempted {
  std::string upstream;
  std::string server;  ///< "host:ip:port" or "ip:port"; "host:port" when no connection came about
  std::string server_host;
  std::string tls;
  TimePoint at;
  Duration took{};
  Duration excess_age{};  ///< how much older than it is the message seems, by a clock set forward
};

/// What a recipient's result came to, for the log.
struct Concluded {
  smtp::RecipientResult result;
  policy::Verdict verdict;
  records::State state = records::State::queued;
  TimePoint due;
};

/// An attempt's results as they go to the book, and what is told about them once they are there.
struct Conclusion {
  store::Outcome outcome;
  std::vector<Concluded> recipients;  ///< in the order of the job's
  Money charged;                      ///< at most this much, when not charged before
};

/// What differs by shop.
struct ShopRules {
  std::uint32_t weight = 1;  ///< beside other shops
  bool hold_in_doubt = false;
  bool failure_reports = true;
};

/// The rules of delivery, as configured.
struct Rules {
  policy::RetryPlan retry;
  policy::PriceBook prices;
  std::optional<Duration> delay_warning;
  std::string hostname;
  std::unordered_map<std::string, ShopRules> shops;
  std::shared_ptr<const policy::ReturnPaths> return_paths{};  ///< null: nobody has any
  /// By mail::domain_key() of a sender's domain, the domain of its return paths.
  std::unordered_map<std::string, std::string> return_path_domains{};
  policy::OperatorRules suppression_rules{};
  std::size_t body_memory = std::size_t{64} << 20;  ///< bytes of bodies on their way out

  /// A shop that the configuration has lost has the defaults.
  const ShopRules& shop(const std::string& id) const;
  /// The domain of the return paths of a sender ("" is the null sender), or nothing.
  const std::string* return_path_domain(const std::string& sender) const;
};

/// What an attempt means (promises P2, P3, P7): each recipient's verdict, next state and evidence,
/// the charge, and what goes on the suppression list. Our own reports are never charged, and list
/// nobody. `results` are in the order of the job's
/// recipients. `random` spreads the retries. Throws std::logic_error when no price is in force:
/// what cannot be priced must not have been sent.
Conclusion conclude(const Job& job, const std::vector<smtp::RecipientResult>& results,
                    const Attempted& attempted, const Rules& rules, std::uint32_t random);

}  // namespace ecrelay::dispatch
