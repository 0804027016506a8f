#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "dispatch/agenda.h"
#include "dispatch/clock_watch.h"
#include "dispatch/conclusion.h"
#include "dispatch/servers.h"

/// Hours of an upstream's life in a second: the parts that decide (agenda, servers, conclusions,
/// clocks) under a clock that the test turns.
namespace ecrelay::dispatch {
namespace {

using namespace std::chrono_literals;
using records::State;
using smtp::Origin;
using smtp::Reply;
using smtp::Stage;

const TimePoint noon{Duration(1'800'000'000'000)};
const Servers::Steady start = Servers::Steady() + 1000h;

smtp::RecipientResult result(Stage stage, Reply reply, Origin origin = Origin::peer) {
  smtp::RecipientResult each;
  each.stage = stage;
  each.reply = std::move(reply);
  each.origin = origin;
  return each;
}

const smtp::RecipientResult taken = result(Stage::dot, Reply(250, "2.0.0", "ok"));
const smtp::RecipientResult greylisted = result(Stage::rcpt, Reply(450, "4.7.1", "greylisted"));
const smtp::RecipientResult refused_connection =
    result(Stage::connect, Reply(451, "4.4.1", "refused"), Origin::trouble);

Rules rules(Duration expire) {
  using namespace std::chrono;
  const policy::Price price{2024y / 7 / 1, Money::milli_yen(100), policy::Unit::message};
  return Rules{policy::RetryPlan{{1min, 5min, 15min, 30min, 1h, 2h, 4h}, expire},
               *policy::PriceBook::build({price}, {}),
               {},
               "relay.example.jp",
               {}};
}

/// One recipient a message, as the book would have it.
struct Mail {
  Job job;
  State state = State::queued;
  TimePoint due;
  TimePoint finished;
  Money charged;
};

class Simulation {
 public:
  explicit Simulation(Duration expire) : rules_(rules(expire)), clocks_(noon, start) {}

  void accept(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      Mail mail;
      mail.job.id = Ulid(wall_, {static_cast<std::uint8_t>(mails_.size() >> 8),
                                 static_cast<std::uint8_t>(mails_.size())});
      mail.job.shop = "shop-a";
      mail.job.sender = "info@shop-a.example";
      mail.job.accepted_at = wall_;
      mail.job.expires_at = wall_ + rules_.retry.expire;
      Job::Recipient recipient;
      recipient.address = recipient.key = "taro@customer.example";
      mail.job.recipients.push_back(recipient);
      agenda_.push(wall_, {mail.job.id, flow_}, wall_);
      mails_.emplace(mail.job.id, std::move(mail));
    }
  }

  /// Tries everything that is due; `answer` is the upstream.
  template <typename Answer>
  void step(Answer answer) {
    const Duration jump = clocks_.look(wall_, steady_);
    if (jump < Duration(0)) agenda_.bring_forward(-jump);
    while (const auto turn = agenda_.pop_due(wall_)) {
      Mail& mail = mails_.at(turn->message);
      if (mail.state != State::queued) continue;
      Attempted attempted;
      attempted.at = wall_;
      attempted.excess_age = clocks_.excess_age(mail.job.accepted_at);
      const auto conclusion = conclude(mail.job, {answer(mail)}, attempted, rules_,
                                       static_cast<std::uint32_t>(random_()));
      ++mail.job.recipients[0].attempts;
      mail.state = conclusion.recipients[0].state;
      mail.due = conclusion.recipients[0].due;
      mail.charged = mail.charged + conclusion.charged;
      if (mail.state == State::queued)
        agenda_.push(mail.due, *turn, wall_);
      else
        mail.finished = wall_;
    }
  }

  template <typename Answer>
  void run(Duration time, Answer answer, Duration tick = 1s) {
    for (Duration passed{}; passed < time; passed += tick) {
      wall_ += tick;
      steady_ += tick;
      step(answer);
    }
  }

  void set_clock(Duration by) { wall_ += by; }

  std::map<State, int> states() const {
    std::map<State, int> counts;
    for (const auto& [id, mail] : mails_) ++counts[mail.state];
    return counts;
  }
  const std::map<Ulid, Mail>& mails() const { return mails_; }
  Servers::Steady steady() const { return steady_; }

 private:
  Rules rules_;
  Agenda agenda_;
  Agenda::Flow flow_ = agenda_.flow("shop-a", records::Lane::transactional, 1);
  ClockWatch clocks_;
  TimePoint wall_ = noon;
  Servers::Steady steady_ = start;
  std::mt19937 random_{7};
  std::map<Ulid, Mail> mails_;
};

TEST(ADay, OfAnUpstreamThatIsAwayEndsWithEveryMailSentOnceAndNoneExpired) {
  Simulation day(48h);
  day.accept(500);
  day.run(
      24h, [](const Mail&) { return refused_connection; }, 10s);
  EXPECT_EQ(day.states(), (std::map<State, int>{{State::queued, 500}}));
  for (const auto& [id, mail] : day.mails()) {
    EXPECT_GE(mail.job.recipients[0].attempts, 9U) << "about the eleven of the schedule";
    EXPECT_LE(mail.job.recipients[0].attempts, 13U);
  }
  day.run(
      5h, [](const Mail&) { return taken; }, 10s);
  EXPECT_EQ(day.states(), (std::map<State, int>{{State::sent, 500}}));
  for (const auto& [id, mail] : day.mails()) EXPECT_EQ(mail.charged, Money::milli_yen(100));
}

TEST(ADay, ThatIsTooLongExpiresWhatIsStillRefusedAfterItsTimeAndNotBefore) {
  Simulation days(48h);
  days.accept(100);
  days.run(
      47h, [](const Mail&) { return greylisted; }, 10s);
  EXPECT_EQ(days.states(), (std::map<State, int>{{State::queued, 100}}));
  days.run(
      2h, [](const Mail&) { return greylisted; }, 10s);
  EXPECT_EQ(days.states(), (std::map<State, int>{{State::expired, 100}}));
  for (const auto& [id, mail] : days.mails()) EXPECT_EQ(mail.charged, Money());
}

TEST(Greylisting, CostsOneDelayOfTheSchedule) {
  Simulation play(48h);
  play.accept(200);
  play.run(2min, [](const Mail& mail) {
    return mail.job.recipients[0].attempts == 0 ? greylisted : taken;
  });
  EXPECT_EQ(play.states(), (std::map<State, int>{{State::sent, 200}}));
}

TEST(AFlappingUpstream, OfTenMinutesLosesNothingAndIsNotHammered) {
  config::ServerBreaker breaker;
  breaker.failures = 5;
  breaker.pause = 30s;
  breaker.longest_pause = 2min;
  config::Server server;
  Servers servers({server}, breaker);
  Simulation play(48h);
  int connections_while_down = 0;
  const auto up = [&] { return (play.steady() - start) / 1min % 2 == 1; };
  for (int minute = 0; minute < 10; ++minute) {
    play.accept(60);
    for (int second = 0; second < 60; ++second) {
      if (const auto probe = servers.pick_for_probe(play.steady())) {
        connections_while_down += !up();
        if (up())
          servers.came_through(*probe);
        else
          servers.failed(*probe, play.steady(), "refused");
      }
      play.run(1s, [&](const Mail&) {
        const std::vector<bool> tried(1, false);
        const auto chosen = servers.pick(0, tried);
        if (!chosen) return result(Stage::rcpt, Reply(451, "4.4.1", "waits"), Origin::trouble);
        if (up()) {
          servers.succeeded(*chosen);
          return taken;
        }
        ++connections_while_down;
        servers.failed(*chosen, play.steady(), "refused");
        return refused_connection;
      });
    }
  }
  EXPECT_LT(connections_while_down, 60) << "of 600 mails";
  play.run(
      6h, [](const Mail&) { return taken; }, 10s);
  EXPECT_EQ(play.states(), (std::map<State, int>{{State::sent, 600}}));
}

TEST(AClock, ThatGoesBackAnHourDelaysNothingByAnHour) {
  Simulation play(48h);
  play.accept(50);
  play.step([](const Mail&) { return greylisted; });
  play.set_clock(-1h);
  play.run(2min, [](const Mail&) { return taken; });
  EXPECT_EQ(play.states(), (std::map<State, int>{{State::sent, 50}}));
}

TEST(AClock, ThatGoesAYearForwardExpiresNothing) {
  Simulation play(48h);
  play.accept(50);
  play.step([](const Mail&) { return greylisted; });
  play.run(1s, [](const Mail&) { return greylisted; });
  play.set_clock(8760h);
  play.run(
      20h, [](const Mail&) { return greylisted; }, 10s);
  EXPECT_EQ(play.states(), (std::map<State, int>{{State::queued, 50}}));
  play.run(
      5h, [](const Mail&) { return taken; }, 10s);
  EXPECT_EQ(play.states(), (std::map<State, int>{{State::sent, 50}}));
}

}  // namespace
}  // namespace ecrelay::dispatch
