#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "config/settings.h"
#include "core/time.h"
#include "net/task_group.h"
#include "net/timer.h"
#include "store/domains.h"
#include "store/inquiry.h"
#include "store/writer.h"

namespace ecrelay::domains {

/// Who is told of recipients that were held for a key and are queued and due since `now`.
using OnReleased = std::function<void(const store::Released& released, TimePoint now)>;

constexpr std::size_t released_at_once = 10'000;
/// Releases up to `most` messages that are held for a key of the domain, and does `more` in the
/// same change. How many; an error when nothing was written.
asio::awaitable<Result<std::size_t>> release_held(store::Writer& writer, std::string domain,
                                                  TimePoint at, std::size_t most,
                                                  const OnReleased& tell,
                                                  std::function<void(store::Transaction&)> more);

/// Domains, by mail::domain_key, that only `before` has.
std::vector<std::string> removed(const config::Settings& before, const config::Settings& after);
/// Domains whose mail is held for their key by `before`, and by `after` is signed by the operator
/// or refused.
std::vector<std::string> no_longer_held(const config::Settings& before,
                                        const config::Settings& after);

/// Mail that is held for a key of its domain goes when the configuration stops holding back: with
/// `unpublished: sign`, or without the keys. (With `operator` and `refuse` it goes on waiting: it
/// is signed by the key.) Mail of a domain that no shop has any more stays, and is told at the
/// start. Network thread.
class Discharge {
 public:
  Discharge(asio::any_io_executor executor, store::Writer& writer, OnReleased tell,
            store::Inquiry& inquiry);

  /// The configuration in force from now on. Does not wait.
  void adopt(const config::Settings& settings);
  void start(net::TaskGroup& tasks);

 private:
  asio::awaitable<void> work();
  asio::awaitable<void> release(std::string name);

  asio::any_io_executor executor_;
  store::Writer& writer_;
  OnReleased tell_;
  std::set<std::string> holding_;  ///< for which mail may be held: by the book, then as configured
  std::map<std::string, int> freed_;  ///< to be released, and in how many more passes
  bool begun_ = false;
  net::Event changed_;
};

}  // namespace ecrelay::domains
