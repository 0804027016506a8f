#include "domains/discharge.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "domains/needs.h"
#include "log/events.h"
#include "mail/address.h"
#include "net/answer.h"

namespace ecrelay::domains {

namespace {

/// A message that was on its way into the book is still held by the configuration of before.
constexpr int passes = 2;
constexpr std::chrono::milliseconds straggling = std::chrono::seconds(10);

template <typename Choice>
std::set<std::string> those(const config::Settings& settings, Choice chosen) {
  std::set<std::string> names;
  for (const config::Shop& shop : settings.shops)
    for (const config::Domain& domain : shop.domains)
      if (chosen(domain)) names.insert(mail::domain_key(domain.name));
  return names;
}

std::set<std::string> holding(const config::Settings& settings) {
  return those(settings, [](const config::Domain& domain) {
    return domain.unpublished != config::Unpublished::sign && !domain.dkim.empty();
  });
}

std::set<std::string> configured(const config::Settings& settings) {
  std::set<std::string> names;
  for (const std::string& name : domain_names(settings)) names.insert(mail::domain_key(name));
  return names;
}

}  // namespace

std::vector<std::string> removed(const config::Settings& before, const config::Settings& after) {
  const std::set<std::string> there = configured(after);
  std::vector<std::string> gone;
  for (const std::string& name : configured(before))
    if (!there.contains(name)) gone.push_back(name);
  return gone;
}

std::vector<std::string> no_longer_held(const config::Settings& before,
                                        const config::Settings& after) {
  const auto held = those(before, [](const config::Domain& domain) {
    return domain.unpublished == config::Unpublished::hold;
  });
  const auto others = those(after, [](const config::Domain& domain) {
    return domain.unpublished == config::Unpublished::operator_ ||
           domain.unpublished == config::Unpublished::refuse;
  });
  std::vector<std::string> names;
  std::set_intersection(held.begin(), held.end(), others.begin(), others.end(),
                        std::back_inserter(names));
  return names;
}

asio::awaitable<Result<std::size_t>> release_held(store::Writer& writer, std::string domain,
                                                  TimePoint at, std::size_t most,
                                                  const OnReleased& tell,
                                                  std::function<void(store::Transaction&)> more) {
  auto released = std::make_shared<std::vector<store::Released>>();
  auto work = [domain = std::move(domain), at, most, released,
               more = std::move(more)](store::Transaction& change) {
    if (more) more(change);
    *released = store::release_waiting(change, domain, at, most);
  };
  net::Answer<Result<void>> written(co_await asio::this_coro::executor);
  writer.change(std::move(work), written.done());
  const Result<void> done = co_await written.result();
  if (!done) co_return done.error();
  for (const store::Released& each : *released) tell(each, at);
  co_return released->size();
}

Discharge::Discharge(asio::any_io_executor executor, store::Writer& writer, OnReleased tell,
                     store::Inquiry& inquiry)
    : executor_(std::move(executor)), writer_(writer), tell_(std::move(tell)), changed_(executor_) {
  for (std::string& name : inquiry.domains_waiting_for_keys()) holding_.insert(std::move(name));
}

void Discharge::adopt(const config::Settings& settings) {
  std::set<std::string> next = holding(settings);
  const std::set<std::string> known = configured(settings);
  for (const std::string& name : holding_) {
    if (next.contains(name)) continue;
    if (known.contains(name)) {
      freed_.emplace(name, passes);
    } else {
      next.insert(name);
      if (!begun_)
        log::config_warning("mail is held until a DKIM key of " + name +
                            " is in DNS, and no shop has this domain any more: queue release or "
                            "queue cancel");
    }
  }
  for (const std::string& name : next) freed_.erase(name);
  holding_ = std::move(next);
  begun_ = true;
  changed_.notify_all();
}

void Discharge::start(net::TaskGroup& tasks) { tasks.spawn(work()); }

asio::awaitable<void> Discharge::work() {
  for (;;) {
    while (freed_.empty()) co_await changed_.wait();
    std::set<std::string> names;
    for (const auto& [name, left] : freed_) names.insert(name);
    for (const std::string& name : names) co_await release(name);
    const net::Deadline again = net::after(straggling);
    co_await changed_.wait_until(again);
  }
}

/// What could not be written is tried again with the next pass.
asio::awaitable<void> Discharge::release(std::string name) {
  const std::function<void(store::Transaction&)> nothing_more;
  std::size_t released = released_at_once;
  while (released == released_at_once) {
    const Result<std::size_t> done =
        co_await release_held(writer_, name, now(), released_at_once, tell_, nothing_more);
    if (!done) log::store_trouble("release mail that was held for a key", done.error().detail);
    if (!done) co_return;
    released = *done;
  }
  const auto found = freed_.find(name);
  if (found != freed_.end() && --found->second == 0) freed_.erase(found);
}

}  // namespace ecrelay::domains
