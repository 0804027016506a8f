#pragma once

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "records/list_rules.h"
#include "store/inquiry.h"
#include "store/store.h"

/// What the tests of the store share: a state directory that goes with the test, sample mail, and
/// calls that wait for their answer.
namespace ecrelay::store {

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// 2025-11-23 14:00 JST.
inline constexpr TimePoint noon{Duration(1'763'874'000'000)};

/// The n-th message of shop-a, to as many queued recipients as given.
Acceptance mail(unsigned n, unsigned recipients = 1);
std::string body_of(unsigned n);
Ulid id_of(unsigned n);

/// Waits for one answer given on another thread.
template <typename T>
class Answer {
 public:
  std::function<void(T)> slot() {
    return [promise = promise_](T answer) { promise->set_value(std::move(answer)); };
  }
  T get() { return future_.get(); }
  bool given() const {
    return future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }

 private:
  std::shared_ptr<std::promise<T>> promise_ = std::make_shared<std::promise<T>>();
  std::future<T> future_ = promise_->get_future();
};

AcceptOutcome accept(Writer& writer, Acceptance acceptance);
Result<void> record(Writer& writer, Outcome outcome);
Result<void> change(Writer& writer, std::function<void(Transaction&)> work);

/// Keeps the store thread busy, so that what is submitted meanwhile becomes one batch. A broken
/// writer passes through.
class Gate {
 public:
  explicit Gate(Writer& writer);
  void open() { gate_->set_value(); }

 private:
  std::shared_ptr<std::promise<void>> gate_ = std::make_shared<std::promise<void>>();
};

/// Recipient `n` of a message reached `state`; with a charge of 0.1 yen for the message when sent.
Outcome outcome(const Ulid& message, std::uint32_t n, records::State state, TimePoint at = noon);

/// What a server said to shop-a: there is no such user.
records::Sign unknown_user(const std::string& key, TimePoint at);

Store::Settings settings(const std::string& state_dir);
/// What the book at rest says about the equations of P2 and P3; "" when all of them hold.
std::string contradictions(const std::string& book);
bool holds(Store& store, unsigned n);  ///< rows and body of mail(n) are there and undamaged

}  // namespace ecrelay::store
