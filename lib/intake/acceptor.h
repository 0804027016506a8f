#pragma once

#include <functional>
#include <optional>
#include <string>

#include "intake/envelope.h"
#include "intake/reception.h"
#include "smtp/reply.h"

namespace ecrelay::intake {

/// Takes a message whose end was read all the way to its 250: header checked, fields completed,
/// signed on a worker, which hands it on to be spooled and booked in a group commit (P1). Whatever
/// refuses it on the way has stored nothing. Network thread; reception and site outlive every call.
class Acceptor {
 public:
  Acceptor(Reception& reception, const Site& site) : reception_(reception), site_(site) {}

  /// The final reply to the body. limits.commit_timeout counts from the call: past it the answer is
  /// 451 and the message is not stored (P9). Envelope and message are taken (moved from).
  /// References because g++ 12.2 miscompiles aggregates passed by value in a co_await expression.
  asio::awaitable<smtp::Reply> accept(const Client& client, Envelope& envelope,
                                      std::string& message);

 private:
  struct Draft;
  struct Submitted;
  using SubmissionDone = std::function<void(Submitted)>;

  std::optional<smtp::Reply> judge(Draft& draft) const;
  std::optional<smtp::Reply> judge_late_shop(Draft& draft) const;
  void compose(Draft& draft) const;
  void fill_row(Draft& draft) const;
  records::Lane lane_of(const Draft& draft) const;
  void fill_recipients(Draft& draft) const;
  asio::awaitable<smtp::Reply> store(Draft& draft);
  void submit(Draft& draft, const store::Ticket& ticket, SubmissionDone done) const;
  static void hold_back(Draft& draft, const std::vector<store::HeldBehind>& held);
  smtp::Reply on_stored(const Draft& draft, store::Acceptance kept);
  smtp::Reply refuse(const Draft& draft, smtp::Reply reply, std::string_view reason) const;

  Reception& reception_;
  const Site& site_;
};

/// The refusal when a shop's rate, day or yen limit is reached.
smtp::Reply over_limit(const policy::Allowance& allowance);

}  // namespace ecrelay::intake
