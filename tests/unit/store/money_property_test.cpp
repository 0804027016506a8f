#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "store/archive.h"
#include "store/ledger.h"
#include "store/messages.h"
#include "store/months.h"
#include "store/reports.h"
#include "store/schema.h"
#include "unit/store/fixture.h"

/// Random traffic, prices, reversals, adjustments, late bounces, repeats, crashes, month ends and
/// archives against a plain model.
namespace ecrelay::store {
namespace {

using namespace std::chrono_literals;
using records::State;
using std::chrono::year_month;

/// What the book should say, kept in the plainest way.
struct Model {
  struct Charge {
    std::string shop;
    std::string day;
    Money amount;
  };
  struct Mail {
    Ulid id;
    std::string shop;
    records::Kind kind;
    records::Unit unit;
    std::vector<State> states;
  };
  std::map<std::pair<std::string, std::string>, records::Usage> days;  ///< shop, day
  std::vector<Mail> mails;
  std::set<std::pair<Ulid, int>> charged;     ///< message, and recipient or -1
  std::set<std::pair<Ulid, int>> failed;      ///< as a report said
  std::map<std::int64_t, Charge> unreversed;  ///< by row number
  std::optional<TimePoint> closed_until;

  records::Usage& on(const std::string& shop, TimePoint at) {
    const TimePoint booked = closed_until ? std::max(at, *closed_until) : at;
    return days[{shop, to_text(billing_day(booked))}];
  }
};

class Play {
 public:
  explicit Play(unsigned seed) : random_(seed) { open(); }

  void step() {
    now_ += Duration(std::uniform_int_distribution<std::int64_t>(0, 5 * 3'600'000)(random_));
    switch (draw(12)) {
      case 0:
      case 1:
      case 2:
        return accept();
      case 3:
      case 4:
      case 5:
      case 6:
        return finish();
      case 7:
        return reverse_one();
      case 8:
        return draw(4) == 0 ? open() : finish();
      case 9:
        return draw(2) == 0 ? adjust_one() : bounce_one();
      case 10:
        return draw(3) == 0 ? archive_one() : finish();
      default:
        return draw(3) == 0 ? close_last_month() : accept();
    }
  }

  void expect_agreement() {
    EXPECT_EQ(contradictions(file()), "");
    Accounts accounts(*book_);
    std::set<year_month> months;
    for (const auto& [key, usage] : model_.days)
      months.insert(*parse_month(key.second.substr(0, 7)));
    std::map<std::pair<std::string, std::string>, records::Usage> found;
    Money rows;
    for (const year_month month : months) {
      for (const auto& day : accounts.days(month)) found[{day.shop, day.day}] = day.usage;
      accounts.read_month(month, [&](const auto& entry) { rows = rows + entry.amount; });
    }
    std::erase_if(model_.days, [](const auto& each) { return each.second == records::Usage(); });
    EXPECT_EQ(found, model_.days);
    EXPECT_EQ(rows, accounts.ever().net()) << "the rows of all months are the whole ledger";
  }
  std::size_t archived() { return Accounts(*book_).archives().size(); }
  std::size_t closed() { return Accounts(*book_).closed_months().size(); }
  std::size_t charges() const { return model_.charged.size(); }

 private:
  unsigned draw(unsigned below) {
    return std::uniform_int_distribution<unsigned>(0, below - 1)(random_);
  }
  std::string file() const { return directory_.path() + "/book.db"; }

  /// As after kill -9: whatever was not committed is gone.
  void open() {
    if (book_) {
      Transaction lost(*book_);
      Acceptance each = mail(++number_);
      each.message.id = Ulid(now_, {1});
      each.recipients[0].message = each.message.id;
      insert(lost, each.message, each.recipients);
    }
    book_.emplace(file(), Access::write, Duration(1000));
    migrate(*book_);
  }

  void accept() {
    Acceptance each = mail(++number_, 1 + draw(3));
    each.message.shop = draw(2) == 0 ? "shop-a" : "shop-b";
    each.message.accepted_at = now_;
    each.message.id = Ulid(now_, {0, 0, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(number_ >> 8),
                                  static_cast<std::uint8_t>(number_)});
    for (records::Recipient& recipient : each.recipients) recipient.message = each.message.id;
    each.message.kind = static_cast<records::Kind>(draw(8) == 0 ? 1 + draw(2) : 0);
    Model::Mail known{each.message.id,
                      each.message.shop,
                      each.message.kind,
                      draw(2) == 0 ? records::Unit::message : records::Unit::recipient,
                      {}};
    records::Usage& usage = model_.on(known.shop, now_);
    const bool own = known.kind == records::Kind::mail;
    if (known.kind == records::Kind::report) ++usage.reports;
    if (known.kind == records::Kind::test) ++usage.tests;
    usage.messages += own;
    for (records::Recipient& recipient : each.recipients) {
      if (draw(6) == 0) recipient.state = State::suppressed;
      known.states.push_back(recipient.state);
      usage.recipients += own;
      usage.suppressed += own && recipient.state == State::suppressed;
    }
    Transaction change(*book_);
    insert(change, each.message, each.recipients);
    change.commit();
    model_.mails.push_back(std::move(known));
  }

  /// An outcome for one recipient, sometimes told twice, sometimes with a time of long ago.
  void finish() {
    if (model_.mails.empty()) return;
    const auto youngest = static_cast<unsigned>(model_.mails.size());
    Model::Mail& whose = model_.mails[youngest - 1 - draw(std::min(youngest, 40U))];
    const auto n = draw(static_cast<unsigned>(whose.states.size()));
    if (whose.states[n] != State::queued) return;
    const State state = std::array{State::sent, State::sent, State::bounced, State::expired,
                                   State::cancelled}[draw(5)];
    const TimePoint at = draw(20) == 0 ? now_ - 24h * 40 : now_;
    Outcome told = outcome(whose.id, n, state, at);
    records::Charge price{whose.unit, n, Money::milli_yen(std::array{100, 80, 1, 12'345}[draw(4)])};
    if (state == State::sent) told.charges = {price};
    for (unsigned times = 0; times < 1 + draw(2); ++times) {
      Transaction change(*book_);
      record(change, told, {});
      change.commit();
    }
    const std::int64_t row = book_->last_id();
    whose.states[n] = state;
    if (whose.kind != records::Kind::mail) return;
    records::Usage& usage = model_.on(whose.shop, at);
    usage.sent += state == State::sent;
    usage.bounced_later +=
        state == State::sent && model_.failed.contains({whose.id, static_cast<int>(n)});
    usage.bounced += state == State::bounced;
    usage.expired += state == State::expired;
    usage.cancelled += state == State::cancelled;
    if (state == State::sent) charge(whose, price, at, row);
  }

  void charge(const Model::Mail& whose, const records::Charge& price, TimePoint at,
              std::int64_t row) {
    const bool whole = price.unit == records::Unit::message;
    for (std::size_t n = 0; n < whose.states.size(); ++n)
      if (whole && model_.charged.contains({whose.id, static_cast<int>(n)})) return;
    if (model_.charged.contains({whose.id, -1})) return;
    model_.charged.insert({whose.id, whole ? -1 : static_cast<int>(price.recipient)});
    records::Usage& usage = model_.on(whose.shop, at);
    ++usage.charges;
    usage.amount = usage.amount + price.price;
    model_.unreversed[row] = {whose.shop, "", price.price};
  }

  void reverse_one() {
    if (model_.unreversed.empty()) return;
    auto chosen =
        std::next(model_.unreversed.begin(), draw(static_cast<unsigned>(model_.unreversed.size())));
    const Reversal reversal{chosen->first, now_, "the upstream lost it", "hanako(1001)"};
    {
      Transaction change(*book_);
      reverse(change, reversal);
      change.commit();
    }
    Transaction again(*book_);
    EXPECT_THROW(reverse(again, reversal), Refused);
    records::Usage& usage = model_.on(chosen->second.shop, now_);
    ++usage.reversals;
    usage.reversed = usage.reversed - chosen->second.amount;
    model_.unreversed.erase(chosen);
  }

  void adjust_one() {
    const Money amount = Money::milli_yen(static_cast<std::int64_t>(draw(20'000)) - 9'999);
    if (amount == Money()) return;
    const std::string shop = draw(2) == 0 ? "shop-a" : "shop-b";
    const TimePoint at = draw(10) == 0 ? now_ - 24h * 40 : now_;
    Transaction change(*book_);
    adjust(change, Adjustment{shop, amount, at, "the outage", "hanako(1001)"});
    change.commit();
    records::Usage& usage = model_.on(shop, at);
    ++usage.adjustments;
    usage.adjusted = usage.adjusted + amount;
  }

  /// A report, sometimes of what was not sent, sometimes told twice.
  void bounce_one() {
    if (model_.mails.empty()) return;
    const Model::Mail& whose = model_.mails[draw(static_cast<unsigned>(model_.mails.size()))];
    records::Report report;
    report.message = whose.id;
    report.recipient = draw(static_cast<unsigned>(whose.states.size()));
    report.at = now_;
    report.action = draw(4) == 0 ? "delayed" : "failed";
    for (unsigned times = 0; times < 1 + draw(2); ++times) {
      Transaction change(*book_);
      std::ignore = keep_report(change, report);
      change.commit();
    }
    if (report.action != "failed") return;
    const bool first = model_.failed.insert({whose.id, static_cast<int>(report.recipient)}).second;
    if (first && whose.kind == records::Kind::mail && whose.states[report.recipient] == State::sent)
      ++model_.on(whose.shop, now_).bounced_later;
  }

  /// Moves the next month, as far as it comes before the process is killed.
  void archive_one() {
    Accounts accounts(*book_);
    std::optional<year_month> next;
    for (const auto& closed : accounts.closed_months())
      if (!next && !accounts.archived(closed.month)) next = closed.month;
    const unsigned killed_after = draw(5);
    if (next) {
      cancel_what_waits(Ulid(start_of((*next + std::chrono::months(1)) / std::chrono::day(1)), {}));
      Archived draft = write_archive(*book_, *next, {});
      if (killed_after == 0) return open();
      give_name(*book_, draft);
      if (killed_after == 1) return open();
      draft.sha256 = std::string(64, 'c');
      Transaction change(*book_);
      note_archive(change, draft);
      change.commit();
      if (killed_after == 2) return open();
    }
    std::optional<std::int64_t> after = 0;
    for (unsigned slices = 0; after && (killed_after == 4 || slices < 2); ++slices) {
      Transaction change(*book_);
      after = clear_archived(change, *after, 7);
      change.commit();
    }
    open();
  }

  void cancel_what_waits(const Ulid& before) {
    for (Model::Mail& whose : model_.mails)
      for (unsigned n = 0; n < whose.states.size(); ++n) {
        if (whose.states[n] != State::queued || whose.id >= before) continue;
        Transaction change(*book_);
        record(change, outcome(whose.id, n, State::cancelled, now_), {});
        change.commit();
        whose.states[n] = State::cancelled;
        model_.on(whose.shop, now_).cancelled += whose.kind == records::Kind::mail;
      }
  }

  void close_last_month() {
    Accounts accounts(*book_);
    const year_month last = billing_month(now_) - std::chrono::months(1);
    const auto closed = accounts.closed_months();
    if (!closed.empty() && closed.back().month >= last) return;
    MonthClosing closing{last,
                         now_,
                         "taro(1000)",
                         {},
                         accounts.days(last),
                         "{}",
                         std::string(64, 'a'),
                         closed.empty() ? "" : closed.back().sha256};
    Transaction change(*book_);
    close_month(change, closing);
    change.commit();
    model_.closed_until = start_of(billing_month(now_) / std::chrono::day(1));
  }

  std::mt19937 random_;
  TemporaryDirectory directory_;
  std::optional<Connection> book_;
  Model model_;
  TimePoint now_ = start_of(2027y / 12 / 20);  // through a year's end and a leap day
  unsigned number_ = 0;
};

TEST(Money, OfRandomTrafficEqualsAPlainModelToTheLastMilliYen) {
  std::size_t closed = 0;
  std::size_t charges = 0;
  std::size_t archived = 0;
  for (unsigned seed = 1; seed <= 6; ++seed) {
    Play play(seed);
    for (int i = 0; i < 1200; ++i) play.step();
    play.expect_agreement();
    closed += play.closed();
    charges += play.charges();
    archived += play.archived();
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
  EXPECT_GE(closed, 6u) << "the play is too short";
  EXPECT_GE(charges, 500u) << "the play is too short";
  EXPECT_GE(archived, 6u) << "the play is too short";
}

}  // namespace
}  // namespace ecrelay::store
