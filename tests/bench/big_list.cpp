// The suppression list at size: how long a look-up takes, what it needs of memory, and what a start
// costs.
//
//   big_list STATE_DIR ENTRIES      fills the folder when it is empty
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <future>
#include <random>
#include <string>
#include <vector>

#include "store/inquiry.h"
#include "store/store.h"
#include "store/suppression.h"

namespace {

using namespace ecrelay;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t a_change = 5'000;
constexpr int looked_up = 200'000;

double microseconds(Clock::duration span) {
  return std::chrono::duration<double, std::micro>(span).count();
}

/// Resident, in MiB.
double resident() {
  std::ifstream status("/proc/self/statm");
  std::uint64_t pages = 0;
  std::uint64_t in_memory = 0;
  status >> pages >> in_memory;
  return static_cast<double>(in_memory) * 4096 / (1 << 20);
}

std::string address(std::uint64_t n) {
  return "customer" + std::to_string(n * 2654435761U % 4294967291U) + "@" +
         (n % 3 == 0   ? "docomo.ne.jp"
          : n % 3 == 1 ? "gmail.com"
                       : "customer.example");
}

records::SuppressionEntry entry(std::uint64_t n, TimePoint at) {
  records::SuppressionEntry entry;
  entry.shop = "shop-" + std::to_string(n % 100);
  entry.key = entry.address = address(n);
  entry.reason = "hard";
  entry.since = at;
  entry.expires_at = at + std::chrono::hours(24 * 180);
  entry.evidence = "127.0.0.1:25 at rcpt: 550 5.1.1 <" + entry.address + ">: User unknown";
  entry.actor = "relay";
  return entry;
}

void fill(store::Store& store, std::uint64_t entries) {
  const TimePoint at = now();
  for (std::uint64_t first = 0; first < entries; first += a_change) {
    std::promise<void> written;
    store.writer().change(
        [&](store::Transaction& change) {
          for (std::uint64_t n = first; n < std::min(first + a_change, entries); ++n)
            store::suppress(change, entry(n, at));
        },
        [&](const Result<void>& done) {
          if (!done) std::fprintf(stderr, "big_list: %s\n", done.error().detail.c_str());
          written.set_value();
        });
    written.get_future().wait();
  }
  const double took = microseconds(now() - at) / 1e6;
  std::printf("filled %llu entries in %.0f s\n", static_cast<unsigned long long>(entries), took);
}

/// Random addresses, of which `listed` says whether they are on the list.
void look_up(store::SuppressionIndex& index, std::uint64_t entries, bool listed) {
  std::mt19937_64 random(7);
  std::vector<double> times;
  std::uint64_t found = 0;
  for (int i = 0; i < looked_up; ++i) {
    const std::uint64_t n = random() % entries + (listed ? 0 : entries);
    const std::string key = address(n);
    const std::string shop = "shop-" + std::to_string(n % 100);
    const auto began = Clock::now();
    found += index.find(shop, key, now()).value().has_value() ? 1 : 0;
    times.push_back(microseconds(Clock::now() - began));
  }
  std::sort(times.begin(), times.end());
  double sum = 0;
  for (const double each : times) sum += each;
  std::printf("%s: mean %.1f us, p50 %.1f us, p99 %.1f us (%llu of %d found)\n",
              listed ? "listed" : "not listed", sum / looked_up, times[times.size() / 2],
              times[times.size() * 99 / 100], static_cast<unsigned long long>(found), looked_up);
}

int run(const std::string& state_dir, std::uint64_t entries) {
  const auto began = Clock::now();
  store::Store::Settings settings;
  settings.state_dir = state_dir;
  store::Store store(settings);
  store::SuppressionIndex index(store.book());
  std::printf("opened in %.1f ms, %.1f MiB resident\n", microseconds(Clock::now() - began) / 1e3,
              resident());
  if (store::Inquiry(store.book()).suppressions(store::SuppressionFilter(), 1).empty()) {
    fill(store, entries);
    return 0;
  }
  look_up(index, entries, true);
  look_up(index, entries, false);
  std::printf("%.1f MiB resident\n", resident());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: big_list STATE_DIR ENTRIES   (once to fill, again to measure)\n", stderr);
    return 64;
  }
  try {
    return run(argv[1], std::strtoull(argv[2], nullptr, 10));
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "big_list: %s\n", failure.what());
    return 70;
  }
}
