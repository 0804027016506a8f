#include <algorithm>
#include <exception>
#include <utility>

#include "core/text.h"
#include "log/events.h"
#include "net/answer.h"
#include "relay.h"
#include "supervisor.h"

/// The reload of the relay: a proposal is read and judged beside what runs, then swapped in.
namespace ecrelay {
namespace {

void tell_reload(const std::string& file, const Result<Proposal>& proposal,
                 const Result<void>& done) {
  constexpr std::size_t most = 100;
  if (!done) {
    for (const std::string_view line : text::split(done.error().detail, '\n'))
      log::reload_failed(file, line);
    return;
  }
  log::reloaded(file, proposal->changes.size());
  for (std::size_t i = 0; i < std::min(most, proposal->changes.size()); ++i) {
    const config::Difference& change = proposal->changes[i];
    log::setting_changed(change.path, change.word(), change.before, change.after);
  }
  for (const std::string& warning : proposal->warnings) log::config_warning(warning);
}

/// However a reload ends, the next may begin, and systemd knows that it is over.
class ReloadTurn {
 public:
  ReloadTurn(bool& taken, net::Event& over) : taken_(taken), over_(over) {
    taken_ = true;
    supervisor::reloading();
  }
  ReloadTurn(const ReloadTurn&) = delete;
  ReloadTurn& operator=(const ReloadTurn&) = delete;
  ~ReloadTurn() {
    taken_ = false;
    supervisor::ready();
    over_.notify_all();
  }

 private:
  bool& taken_;
  net::Event& over_;
};

}  // namespace

/// One at a time: who asks meanwhile gets a reload of his own, since the files may have changed
/// after they were read.
asio::awaitable<Result<control::Reloaded>> Relay::reload() {
  while (reloading_) co_await reload_over_.wait();
  if (stopping_) co_return unavailable("the relay is stopping");
  const ReloadTurn turn(reloading_, reload_over_);
  Result<Proposal> proposal = co_await read_anew();
  Result<void> done;
  if (!proposal)
    done = proposal.error();
  else
    done = co_await put_in_force(*proposal);
  tell_reload(options_.config.string(), proposal, done);
  if (!done) co_return done.error();
  control::Reloaded reloaded{std::move(proposal->changes), std::move(proposal->warnings)};
  co_return reloaded;
}

/// What nobody foresaw refuses the reload, like what is wrong with the file.
asio::awaitable<Result<Proposal>> Relay::read_anew() {
  Known known{signer_, site_, dispatcher_.routes(), reports_.terms()};
  auto reading =
      reader_.run([file = options_.config, known = std::move(known), book = store_.book(),
                   at = now()] { return propose(file, known, book, at); });
  std::string trouble;
  try {
    co_return co_await std::move(reading);
  } catch (const std::exception& failure) {
    trouble = failure.what();
  }
  co_return unavailable(trouble);
}

/// What can still fail comes first, and leaves nothing behind.
asio::awaitable<Result<void>> Relay::put_in_force(Proposal& proposal) {
  auto doors = reception_.open_doors(*proposal.configuration.site);
  if (!doors) co_return doors.error();
  auto reports_door = reports_.open_door(*proposal.configuration.terms);
  if (!reports_door) co_return reports_door.error();
  if (proposal.new_prices) {
    const Result<void> noted = co_await note_new_prices(proposal.configuration);
    if (!noted) co_return noted.error();
  }
  if (stopping_) co_return unavailable("the relay is stopping");
  adopt(std::move(proposal.configuration), std::move(*doors), std::move(*reports_door));
  take_apart_what_is_over();
  co_await dispatcher_.sweep();
  co_return Result<void>();
}

/// Thousands of shops take the network thread too long to free.
void Relay::take_apart_what_is_over() {
  for (auto& site : earlier_)
    if (site.use_count() == 1) reader_.post([over = std::move(site)]() mutable { over.reset(); });
  std::erase(earlier_, nullptr);
}

asio::awaitable<Result<void>> Relay::note_new_prices(const Configuration& configuration) {
  net::Answer<Result<void>> noted(context_.get_executor());
  auto work = [settings = settings_of(configuration.site), at = now()](store::Transaction& change) {
    note_prices(change, *settings, at);
  };
  store_.writer().change(std::move(work), noted.done());
  Result<void> done = co_await noted.result();
  if (!done) co_return conflict(done.error().detail);
  co_return done;
}

/// The one place where a configuration comes into force. Nothing in here fails or waits.
void Relay::adopt(Configuration configuration, intake::Reception::Doors doors,
                  std::shared_ptr<reports::Server::Door> reports_door) {
  earlier_.push_back(std::exchange(site_, std::move(configuration.site)));
  const std::weak_ptr<const void> senders = earlier_.back();
  reception_.adopt(site_, std::move(doors));
  reports_.adopt(std::move(configuration.terms), std::move(reports_door));
  watch_domains();
  dispatcher_.adopt(std::move(configuration.plan), senders);
  store_.writer().set_list_rules(list_rules(settings().suppression));
  suppression_.set_quiet(settings().suppression.quiet_after_delivery);
  const log::Options log = log_options(settings());
  log::set_level(log.level);
  log::set_format(log.format);
  log::set_masking(log.mask_addresses);
  log::set_refusals(log.refusals_per_minute);
}

}  // namespace ecrelay
