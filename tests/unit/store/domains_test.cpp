#include "store/domains.h"

#include <gmock/gmock.h>

#include "store/intervention.h"
#include "unit/store/fixture.h"

namespace ecrelay::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

records::SigningKey key_of(const std::string& domain, const std::string& selector) {
  records::SigningKey key;
  key.domain = domain;
  key.selector = selector;
  key.algorithm = "rsa-sha256";
  key.record = "v=DKIM1; p=x";
  key.state = records::KeyState::retiring;
  key.since = noon;
  key.until = noon + std::chrono::hours(1);
  return key;
}

class Domains : public ::testing::Test {
 protected:
  Domains() {
    Store::Settings settings;
    settings.state_dir = directory_.path();
    store_ = std::make_unique<Store>(std::move(settings));
  }
  void write(const std::function<void(Transaction&)>& work) {
    ASSERT_TRUE(change(store_->writer(), work));
  }
  Inquiry book() { return Inquiry(store_->book()); }

  TemporaryDirectory directory_;
  std::unique_ptr<Store> store_;
};

TEST_F(Domains, KeepTheKeysOfEachDomainAndWhatDnsHad) {
  const auto a = key_of("a.example", "r1");
  auto b = key_of("b.example", "r1");
  b.until.reset();
  write([&](Transaction& rows) {
    replace_signing_keys(rows, "a.example", {key_of("a.example", "old")});
    replace_signing_keys(rows, "a.example", {a});
    replace_signing_keys(rows, "b.example", {b});
    replace_dns_records(rows, "a.example",
                        {{"a.example", "spf", "a.example", "differs", noon, "why"}});
  });
  EXPECT_THAT(book().signing_keys(""), ElementsAre(a, b));
  EXPECT_THAT(book().signing_keys("b.example"), ElementsAre(b));
  const auto records = book().dns_records();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].state, "differs");
  EXPECT_EQ(records[0].since, noon);
}

TEST_F(Domains, MailThatWaitsForAKeyIsReleasedAndOtherHeldMailIsNot) {
  Acceptance waiting = mail(1, 2);
  waiting.message.signatures = "d=a.example s=r1 a=rsa-sha256";
  for (auto& recipient : waiting.recipients) {
    recipient.state = records::State::held;
    recipient.reply = waiting_for_key("a.example");
  }
  Acceptance held = mail(2);
  held.recipients[0].state = records::State::held;
  accept(store_->writer(), waiting);
  accept(store_->writer(), held);
  EXPECT_TRUE(book().has_open_mail_signed("a.example", "r1"));
  EXPECT_FALSE(book().has_open_mail_signed("a.example", "r"));
  EXPECT_FALSE(book().has_open_mail_signed("example", "r1"));

  EXPECT_THAT(book().domains_waiting_for_keys(), ElementsAre("a.example"));
  EXPECT_EQ(book().count_waiting_for_key("a.example"), 2);
  EXPECT_EQ(book().count_waiting_for_key("example"), 0);

  std::vector<Released> released;
  write([&](Transaction& rows) { released = release_waiting(rows, "other.example", noon, 10); });
  EXPECT_THAT(released, IsEmpty());
  write([&](Transaction& rows) { released = release_waiting(rows, "a.example", noon, 10); });
  ASSERT_EQ(released.size(), 1U);
  EXPECT_EQ(released[0].message, id_of(1));
  EXPECT_EQ(released[0].recipients, 2);
  const QueueTotals totals = book().totals();
  EXPECT_EQ(totals.queued, 2);
  EXPECT_EQ(totals.held, 1);
}

}  // namespace
}  // namespace ecrelay::store
