#include "store/writer.h"

#include <gtest/gtest.h>

#include <thread>

#include "unit/store/faulty_disk.h"
#include "unit/store/fixture.h"

namespace ecrelay::store {
namespace {

using records::State;

class WriterTest : public testing::Test {
 protected:
  WriterTest() { open(); }

  void open() {
    store_.reset();
    Store::Settings with = settings(directory_.path());
    with.files = &disk_;
    with.vfs = FaultyDisk::vfs;
    with.writer.patience = patience_;
    store_ = std::make_unique<Store>(with);
  }
  Writer& writer() { return store_->writer(); }
  std::optional<MessageTrace> trace(unsigned n) { return Inquiry(store_->book()).trace(id_of(n)); }
  records::Usage total() {
    UsageQuery query{};
    query.from = query.to = billing_day(noon);
    return Inquiry(store_->book()).total(query);
  }
  ~WriterTest() override {
    const std::string book = store_->book();
    store_.reset();
    EXPECT_EQ(contradictions(book), "");
  }

  TemporaryDirectory directory_;
  FaultyDisk disk_{directory_.path()};
  std::chrono::milliseconds patience_{1};
  std::unique_ptr<Store> store_;
};

TEST_F(WriterTest, StoredIsOnDiskWithBodyAndRowsAfterAFreshOpen) {
  const AcceptOutcome answer = accept(writer(), mail(1, 2));
  ASSERT_TRUE(std::holds_alternative<Stored>(answer));
  EXPECT_EQ(std::get<Stored>(answer).id(), id_of(1));
  open();
  EXPECT_TRUE(holds(*store_, 1));
  const auto found = trace(1);
  ASSERT_EQ(found->recipients.size(), 2u);
  EXPECT_EQ(found->recipients[1].address, "User1@example.jp");
  EXPECT_EQ(found->recipients[1].state, State::queued);
  EXPECT_EQ(found->message.subject, "ご注文ありがとうございます");
  EXPECT_EQ(found->message.location, std::get<Stored>(answer).location());
}

TEST_F(WriterTest, TheBodyIsSyncedBeforeItsRowIsWrittenAndTheRowBeforeTheAnswer) {
  const std::size_t before = disk_.steps().size();
  std::vector<std::string> at_answer;
  std::promise<void> done;
  const Ticket ticket = writer().accept(mail(1), [&](AcceptOutcome) {
    at_answer.assign(disk_.steps().begin() + static_cast<std::ptrdiff_t>(before),
                     disk_.steps().end());
    done.set_value();
  });
  done.get_future().wait();
  const auto place = [&](const char* step) {
    return std::find(at_answer.begin(), at_answer.end(), step) - at_answer.begin();
  };
  EXPECT_LT(place("append"), place("sync spool"));
  EXPECT_LT(place("sync spool"), place("write wal"));
  EXPECT_LT(place("sync directory"), place("write wal"));
  EXPECT_LT(place("write wal"), place("sync wal"));
  EXPECT_LT(place("sync wal"), std::ssize(at_answer));
  EXPECT_EQ(at_answer.back(), "sync wal");
}

TEST_F(WriterTest, EverythingThatWaitsSharesTwoSyncs) {
  accept(writer(), mail(200));  // the first commit after an opening syncs the header of the WAL too
  Gate gate(writer());
  std::vector<Answer<AcceptOutcome>> answers(200);
  for (unsigned n = 0; n < 200; ++n) std::ignore = writer().accept(mail(n), answers[n].slot());
  const std::size_t spool_before = disk_.count("sync spool");
  const std::size_t wal_before = disk_.count("sync wal");
  gate.open();
  for (auto& answer : answers) EXPECT_TRUE(std::holds_alternative<Stored>(answer.get()));
  EXPECT_EQ(disk_.count("sync spool") - spool_before, 1u);
  EXPECT_EQ(disk_.count("sync wal") - wal_before, 1u);
  EXPECT_EQ(writer().statistics().items, 202u);
}

TEST_F(WriterTest, OutcomesAloneShareTheCommitOfTheMailThatFollows) {
  patience_ = std::chrono::hours(1);
  open();
  accept(writer(), mail(1));
  const std::uint64_t before = writer().statistics().batches;
  Answer<Result<void>> recorded;
  writer().record(outcome(id_of(1), 0, State::sent), recorded.slot());
  accept(writer(), mail(2));
  EXPECT_TRUE(recorded.get());
  EXPECT_EQ(writer().statistics().batches - before, 1u);
}

TEST_F(WriterTest, ManyOutcomesOrAStopWaitForNoMail) {
  patience_ = std::chrono::hours(1);
  open();
  constexpr unsigned many = 100;
  for (unsigned n = 0; n < many; ++n) accept(writer(), mail(n));
  std::vector<Answer<Result<void>>> outcomes(many);
  for (unsigned n = 0; n < many; ++n)
    writer().record(outcome(id_of(n), 0, State::sent), outcomes[n].slot());
  EXPECT_TRUE(outcomes.front().get());
  writer().stop();
  EXPECT_TRUE(outcomes.back().get());
}

TEST_F(WriterTest, AnOutcomeIsStateEvidenceChargeAndTotalsAtOnce) {
  accept(writer(), mail(1, 2));
  ASSERT_TRUE(record(writer(), outcome(id_of(1), 0, State::sent)));
  ASSERT_TRUE(record(writer(), outcome(id_of(1), 1, State::bounced)));
  const auto found = trace(1);
  EXPECT_EQ(found->recipients[0].state, State::sent);
  EXPECT_EQ(found->recipients[0].finished_at, noon);
  EXPECT_EQ(found->recipients[1].state, State::bounced);
  ASSERT_EQ(found->attempts.size(), 2u);
  EXPECT_EQ(found->attempts[1].reply, "550 5.1.1 user unknown");
  EXPECT_EQ(found->attempts[1].number, 1u);
  ASSERT_EQ(found->ledger.size(), 1u);
  EXPECT_EQ(found->ledger[0].amount.exact(), "0.1");
  records::Usage expected;
  expected.messages = 1;
  expected.recipients = 2;
  expected.sent = expected.bounced = expected.charges = 1;
  expected.amount = Money::milli_yen(100);
  EXPECT_EQ(total(), expected);
}

TEST_F(WriterTest, AMessageIsChargedOnceHoweverManyRecipientsAreSentAndHoweverOften) {
  accept(writer(), mail(1, 3));
  for (int repeat = 0; repeat < 3; ++repeat)
    for (std::uint32_t n = 0; n < 3; ++n)
      ASSERT_TRUE(record(writer(), outcome(id_of(1), n, State::sent)));
  EXPECT_EQ(trace(1)->ledger.size(), 1u);
  EXPECT_EQ(trace(1)->attempts.size(), 3u);
  EXPECT_EQ(total().sent, 3);
  EXPECT_EQ(total().amount.exact(), "0.1");
}

TEST_F(WriterTest, ARecipientIsChargedOnceWhereTheUnitIsTheRecipient) {
  accept(writer(), mail(1, 2));
  for (int repeat = 0; repeat < 2; ++repeat)
    for (std::uint32_t n = 0; n < 2; ++n) {
      Outcome sent = outcome(id_of(1), n, State::sent);
      sent.charges = {records::Charge{records::Unit::recipient, n, Money::milli_yen(100)}};
      ASSERT_TRUE(record(writer(), sent));
    }
  EXPECT_EQ(trace(1)->ledger.size(), 2u);
  // A price that counts messages comes too late for it.
  ASSERT_TRUE(record(writer(), outcome(id_of(1), 0, State::sent)));
  EXPECT_EQ(trace(1)->ledger.size(), 2u);
}

TEST_F(WriterTest, WhatWasNotSentIsNotCharged) {
  accept(writer(), mail(1, 2));
  Outcome bounced = outcome(id_of(1), 0, State::bounced);
  bounced.charges = {records::Charge{records::Unit::message, 0, Money::milli_yen(100)}};
  const auto answer = record(writer(), bounced);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::refused);
  EXPECT_EQ(trace(1)->recipients[0].state, State::queued) << "refused, and half of it stayed";
  EXPECT_TRUE(trace(1)->attempts.empty());
}

TEST_F(WriterTest, AFinalStateNeverChanges) {
  accept(writer(), mail(1));
  ASSERT_TRUE(record(writer(), outcome(id_of(1), 0, State::bounced)));
  for (const State other : {State::sent, State::queued, State::expired})
    EXPECT_FALSE(record(writer(), outcome(id_of(1), 0, other))) << records::text(other);
  EXPECT_FALSE(change(
      writer(), [](Transaction& t) { t.book().execute("UPDATE recipient SET state = 'sent'"); }));
  EXPECT_EQ(trace(1)->recipients[0].state, State::bounced);
}

TEST_F(WriterTest, ADeferralKeepsTheAttemptAndTheNewTime) {
  accept(writer(), mail(1));
  Outcome later = outcome(id_of(1), 0, State::queued);
  later.recipients[0].due = noon + Duration(60'000);
  later.recipients[0].attempt->reply = std::string(5'000, 'r');
  ASSERT_TRUE(record(writer(), later));
  ASSERT_TRUE(record(writer(), later));
  const auto found = trace(1);
  EXPECT_EQ(found->recipients[0].due, noon + Duration(60'000));
  EXPECT_EQ(found->recipients[0].attempts, 2u);
  ASSERT_EQ(found->attempts.size(), 2u);
  EXPECT_EQ(found->attempts[1].number, 2u);
  EXPECT_EQ(found->attempts[1].reply.size(), records::max_reply);
}

TEST_F(WriterTest, OneWrongOutcomeFailsAloneInItsBatch) {
  accept(writer(), mail(1));
  Gate gate(writer());
  Answer<Result<void>> wrong, right;
  Answer<AcceptOutcome> twice, fresh;
  writer().record(outcome(id_of(9), 0, State::sent), wrong.slot());
  std::ignore = writer().accept(mail(1), twice.slot());
  writer().record(outcome(id_of(1), 0, State::sent), right.slot());
  std::ignore = writer().accept(mail(2), fresh.slot());
  gate.open();
  EXPECT_FALSE(wrong.get());
  EXPECT_TRUE(std::holds_alternative<Failed>(twice.get()));
  EXPECT_TRUE(right.get());
  EXPECT_TRUE(std::holds_alternative<Stored>(fresh.get()));
  EXPECT_TRUE(holds(*store_, 2));
}

TEST_F(WriterTest, ASuppressedMessageIsCountedAndKeepsNoBody) {
  Acceptance dropped = mail(1, 1);
  dropped.recipients[0].state = State::suppressed;
  dropped.recipients[0].reply = "entry 7: hard";
  ASSERT_TRUE(std::holds_alternative<Stored>(accept(writer(), dropped)));
  EXPECT_EQ(trace(1)->recipients[0].finished_at, noon);
  EXPECT_EQ(total().suppressed, 1);
  EXPECT_EQ(disk_.count("append"), 0u);
}

TEST_F(WriterTest, TheSameKeyOfAShopIsTheFirstMessageEvenWhenBothArriveAtOnce) {
  Acceptance first = mail(1), second = mail(2), other_shop = mail(3), later = mail(4);
  for (Acceptance* each : {&first, &second, &other_shop, &later})
    each->message.idempotency_key = "order-7";
  other_shop.message.shop = "shop-b";
  Gate gate(writer());
  Answer<AcceptOutcome> a, b, c;
  std::ignore = writer().accept(first, a.slot());
  std::ignore = writer().accept(second, b.slot());
  std::ignore = writer().accept(other_shop, c.slot());
  gate.open();
  EXPECT_TRUE(std::holds_alternative<Stored>(a.get()));
  const AcceptOutcome answer = b.get();
  ASSERT_TRUE(std::holds_alternative<Duplicate>(answer));
  EXPECT_EQ(std::get<Duplicate>(answer).first, id_of(1));
  EXPECT_TRUE(std::holds_alternative<Stored>(c.get()));
  open();
  EXPECT_TRUE(std::holds_alternative<Duplicate>(accept(writer(), later)));
  EXPECT_FALSE(trace(2));
  EXPECT_FALSE(trace(4));
}

TEST_F(WriterTest, WhatIsAbandonedWhileItWaitsIsNeverWritten) {
  Gate gate(writer());
  Answer<AcceptOutcome> answer;
  Ticket ticket = writer().accept(mail(1), answer.slot());
  EXPECT_TRUE(ticket.abandon());
  EXPECT_TRUE(ticket.abandon());
  gate.open();
  EXPECT_TRUE(std::holds_alternative<Abandoned>(answer.get()));
  EXPECT_FALSE(trace(1));
  EXPECT_EQ(disk_.count("append"), 0u);
}

TEST_F(WriterTest, WhatIsAbandonedDuringItsCommitIsTakenBackBeforeAnybodyHears) {
  for (const char* moment : {"sync spool", "write wal", "sync wal"}) {
    Acceptance wanted = mail(1, 3);
    wanted.message.idempotency_key = "order-1";
    wanted.recipients[2].state = State::suppressed;
    Gate gate(writer());
    Answer<AcceptOutcome> answer;
    Ticket ticket = writer().accept(wanted, answer.slot());
    bool gate_is_past = false, abandoned = false;
    disk_.fails = [&](const std::string& step) {
      if (step == "append") gate_is_past = true;
      if (gate_is_past && step == moment && !abandoned) abandoned = ticket.abandon();
      return false;
    };
    gate.open();
    EXPECT_TRUE(std::holds_alternative<Abandoned>(answer.get())) << moment;
    disk_.fails = nullptr;
    EXPECT_TRUE(abandoned);
    EXPECT_FALSE(trace(1)) << moment;
    EXPECT_EQ(total(), records::Usage()) << moment;
  }
  EXPECT_TRUE(std::holds_alternative<Stored>(accept(writer(), mail(1))))
      << "as if it had never been";
}

TEST_F(WriterTest, ADuplicateOfWhatIsTakenBackIsStoredItself) {
  Acceptance first = mail(1), second = mail(2);
  first.message.idempotency_key = second.message.idempotency_key = "order-7";
  Gate gate(writer());
  Answer<AcceptOutcome> a, b;
  Ticket ticket = writer().accept(first, a.slot());
  std::ignore = writer().accept(second, b.slot());
  bool appended = false;
  disk_.fails = [&](const std::string& step) {
    appended |= step == "append";
    if (appended && step == "sync wal") std::ignore = ticket.abandon();
    return false;
  };
  gate.open();
  EXPECT_TRUE(std::holds_alternative<Abandoned>(a.get()));
  const AcceptOutcome answer = b.get();
  EXPECT_TRUE(std::holds_alternative<Stored>(answer)) << "promised a message that is gone";
  disk_.fails = nullptr;
  EXPECT_FALSE(trace(1));
  EXPECT_TRUE(holds(*store_, 2));
}

TEST_F(WriterTest, AfterItsAnswerAMessageCannotBeAbandoned) {
  Answer<AcceptOutcome> answer;
  Ticket ticket = writer().accept(mail(1), answer.slot());
  ASSERT_TRUE(std::holds_alternative<Stored>(answer.get()));
  EXPECT_FALSE(ticket.abandon());
  EXPECT_TRUE(holds(*store_, 1));
}

TEST_F(WriterTest, ManyThreadsGetOneAnswerForEachCall) {
  constexpr unsigned threads = 4, each = 50;
  std::atomic<unsigned> stored = 0, abandoned = 0, other = 0;
  std::vector<std::thread> clients;
  for (unsigned t = 0; t < threads; ++t)
    clients.emplace_back([&, t] {
      for (unsigned i = 0; i < each; ++i) {
        Ticket ticket = writer().accept(mail(t * each + i), [&](AcceptOutcome outcome) {
          ++(std::holds_alternative<Stored>(outcome)      ? stored
             : std::holds_alternative<Abandoned>(outcome) ? abandoned
                                                          : other);
        });
        if (i % 3 == 0) std::ignore = ticket.abandon();
      }
    });
  for (auto& client : clients) client.join();
  writer().stop();
  EXPECT_EQ(stored + abandoned, threads * each);
  EXPECT_EQ(other, 0u);
  EXPECT_EQ(total().messages, stored);
  EXPECT_EQ(Inquiry(store_->book()).totals().queued, stored);
}

TEST_F(WriterTest, StoppingFinishesWhatWaitsAndRefusesWhatComesLater) {
  Gate gate(writer());
  Answer<AcceptOutcome> before, after;
  std::ignore = writer().accept(mail(1), before.slot());
  gate.open();
  writer().stop();
  ASSERT_TRUE(before.given());
  EXPECT_TRUE(std::holds_alternative<Stored>(before.get()));
  std::ignore = writer().accept(mail(2), after.slot());
  ASSERT_TRUE(after.given());
  EXPECT_TRUE(std::holds_alternative<Failed>(after.get()));
}

TEST_F(WriterTest, AChangeThatThrowsLeavesNothing) {
  const auto answer = change(writer(), [](Transaction& t) {
    t.book().execute("INSERT INTO daily (shop, day) VALUES ('x', '2025-11-23')");
    throw Refused("no");
  });
  EXPECT_FALSE(answer);
  EXPECT_EQ(total(), records::Usage());
}

}  // namespace
}  // namespace ecrelay::store
