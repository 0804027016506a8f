#include "proposal.h"

#include <algorithm>
#include <set>
#include <utility>

#include "control/price_list.h"
#include "domains/discharge.h"
#include "store/failure.h"
#include "store/months.h"

namespace ecrelay {
namespace {

/// One mistake in a template may stand in thousands of files.
std::string joined(const std::vector<std::string>& lines) {
  constexpr std::size_t most = 100;
  std::string text;
  for (std::size_t i = 0; i < std::min(most, lines.size()); ++i)
    text += (i == 0 ? "" : "\n") + lines[i];
  if (lines.size() > most) text += "\n… and " + std::to_string(lines.size() - most) + " more";
  return text;
}

std::vector<std::string> restarts(const std::vector<config::Difference>& changes) {
  std::vector<std::string> lines;
  for (const config::Difference& change : changes)
    if (change.restart) lines.push_back(change.text() + ": needs a restart, nothing was changed");
  return lines;
}

template <typename Entry, typename Name>
std::vector<std::string> missing(const std::vector<Entry>& before, const std::vector<Entry>& after,
                                 Name Entry::*name) {
  std::set<std::string> there;
  for (const Entry& entry : after) there.insert(entry.*name);
  std::vector<std::string> gone;
  for (const Entry& entry : before)
    if (!there.contains(entry.*name)) gone.push_back(entry.*name);
  return gone;
}

/// What is gone and still has mail.
std::vector<std::string> needed(const config::Settings& before, const config::Settings& after,
                                store::Inquiry& book) {
  std::vector<std::string> lines;
  for (const auto& name : missing(before.upstreams, after.upstreams, &config::Upstream::name))
    if (const std::int64_t open = book.open_by_upstream(name); open > 0)
      lines.push_back("upstreams[" + name + "]: removed, and " + std::to_string(open) +
                      " recipients wait to go by it: keep it until `status` shows none");
  for (const auto& id : missing(before.shops, after.shops, &config::Shop::id))
    if (const std::int64_t open = book.open_of_shop(id); open > 0)
      lines.push_back("shops[" + id + "]: removed, and " + std::to_string(open) +
                      " recipients of its mail wait: set `stopped: true` until they are sent, or "
                      "cancel them (queue cancel --shop " +
                      id + ")");
  for (const std::string& name : domains::removed(before, after))
    if (const std::int64_t held = book.count_waiting_for_key(name); held > 0)
      lines.push_back("domain " + name + ": removed, and " + std::to_string(held) +
                      " recipients are held until its DKIM key is in DNS: set `unpublished: sign` "
                      "to send them first, or queue release or queue cancel them");
  return lines;
}

/// Mail that is held for a key has been signed by it: only the domain's own key lets it go.
std::vector<std::string> still_held(const config::Settings& before, const config::Settings& after,
                                    store::Inquiry& book) {
  std::vector<std::string> lines;
  for (const std::string& name : domains::no_longer_held(before, after))
    if (const std::int64_t held = book.count_waiting_for_key(name); held > 0)
      lines.push_back("domain " + name + ": " + std::to_string(held) +
                      " recipients stay held until its own DKIM key is in DNS, which has signed "
                      "them; queue release sends them as they are");
  return lines;
}

}  // namespace

Result<Proposal> propose(const std::filesystem::path& file, const Known& in_force,
                         const std::string& book, TimePoint at) {
  ConfigurationOutcome outcome = read_configuration(file, at, in_force);
  if (!outcome.configuration) return invalid(joined(outcome.errors));
  const config::Settings& before = in_force.site->settings;
  const config::Settings& after = outcome.configuration->settings();
  auto changes = config::differences(before, after);
  if (const auto lines = restarts(changes); !lines.empty()) return conflict(joined(lines));
  store::Inquiry inquiry(book);
  if (const auto lines = needed(before, after, inquiry); !lines.empty())
    return conflict(joined(lines));
  const auto prices = control::new_prices(inquiry.accounts(), after, at);
  if (!prices) return prices.error();
  for (std::string& line : still_held(before, after, inquiry))
    outcome.warnings.push_back(std::move(line));
  return Proposal{std::move(*outcome.configuration), std::move(changes),
                  std::move(outcome.warnings), !prices->empty()};
}

void note_prices(store::Transaction& change, const config::Settings& settings, TimePoint at) {
  const auto rows = control::new_prices(store::Accounts(change.book()), settings, at);
  if (!rows) throw store::Refused(rows.error().detail);
  store::note_prices(change, *rows);
}

}  // namespace ecrelay
