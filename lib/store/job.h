#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "core/result.h"
#include "store/database.h"
#include "store/spool.h"
#include "store/writer.h"

namespace ecrelay::store {

/// One thing that the store thread has to write and to answer. The calls come in this order:
/// append, write, then settle and answer; or fail and answer. Only answer() is always called, and
/// once.
class Job {
 public:
  virtual ~Job() = default;

  /// Nobody wants it any more: answered without being written.
  virtual bool given_up() const { return false; }
  /// Writes what belongs into the spool; Failure fails this job alone, or lets it wait.
  virtual void append(Spool&) {}
  virtual void write(Transaction& change) = 0;
  /// The message whose rows write() has added.
  virtual std::optional<Ulid> inserted() const { return std::nullopt; }
  /// The message that write() has found to be the first of the same key.
  virtual std::optional<Ulid> duplicate_of() const { return std::nullopt; }
  /// Decides the outcome against Ticket::abandon(); false when that came before.
  virtual bool settle() { return true; }
  virtual void answer() = 0;
  /// A new message. It is refused while the disk is short of space.
  virtual bool is_mail() const { return false; }
  /// Must find its way to the disk some day: waits where others fail.
  virtual bool is_lasting() const { return false; }
  /// Nobody is held up while it waits for others to share its commit with.
  virtual bool can_wait() const { return false; }

  void fail(Error error) { error_ = std::move(error); }
  const std::optional<Error>& error() const { return error_; }

 private:
  std::optional<Error> error_;
};

class AcceptJob final : public Job {
 public:
  AcceptJob(Acceptance acceptance, std::shared_ptr<const records::ListRules> rules,
            Writer::AcceptDone done, const Ticket& ticket)
      : acceptance_(std::move(acceptance)),
        rules_(std::move(rules)),
        done_(std::move(done)),
        phase_(ticket.phase_) {}

  bool given_up() const override;
  void append(Spool& spool) override;
  void write(Transaction& change) override;
  std::optional<Ulid> inserted() const override;
  std::optional<Ulid> duplicate_of() const override { return first_; }
  bool settle() override;
  void answer() override;
  bool is_mail() const override { return true; }

 private:
  bool has_open_recipient() const;

  Acceptance acceptance_;
  std::shared_ptr<const records::ListRules> rules_;
  Writer::AcceptDone done_;
  std::vector<HeldBehind> held_back_;
  std::shared_ptr<std::atomic<Ticket::Phase>> phase_;
  std::optional<Ulid> first_;
  bool inserted_ = false;
};

class RecordJob final : public Job {
 public:
  RecordJob(Outcome outcome, std::shared_ptr<const records::ListRules> rules, Writer::Done done)
      : outcome_(std::move(outcome)), rules_(std::move(rules)), done_(std::move(done)) {}

  void append(Spool& spool) override;
  void write(Transaction& change) override { record(change, outcome_, *rules_); }
  void answer() override { done_(error() ? Result<void>(*error()) : Result<void>()); }
  bool is_lasting() const override { return true; }
  bool can_wait() const override { return true; }

 private:
  Outcome outcome_;
  std::shared_ptr<const records::ListRules> rules_;
  Writer::Done done_;
};

class ReturnJob final : public Job {
 public:
  ReturnJob(Returned returned, std::shared_ptr<const records::ListRules> rules,
            std::function<void(Result<Kept>)> done)
      : returned_(std::move(returned)), rules_(std::move(rules)), done_(std::move(done)) {}

  void append(Spool& spool) override;
  void write(Transaction& change) override { kept_ = keep(change, returned_, *rules_); }
  void answer() override { done_(error() ? Result<Kept>(*error()) : Result<Kept>(kept_)); }
  /// Who brings it tries again.
  bool is_mail() const override { return returned_.onward.has_value(); }

 private:
  Returned returned_;
  std::shared_ptr<const records::ListRules> rules_;
  std::function<void(Result<Kept>)> done_;
  Kept kept_;
};

class ChangeJob final : public Job {
 public:
  ChangeJob(std::function<void(Transaction&)> work, Writer::Done done)
      : work_(std::move(work)), done_(std::move(done)) {}

  void write(Transaction& change) override { work_(change); }
  void answer() override { done_(error() ? Result<void>(*error()) : Result<void>()); }

 private:
  std::function<void(Transaction&)> work_;
  Writer::Done done_;
};

}  // namespace ecrelay::store
