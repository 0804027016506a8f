#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "core/histogram.h"
#include "core/result.h"
#include "records/message.h"
#include "store/acceptance.h"
#include "store/ballast.h"
#include "store/database.h"
#include "store/queue.h"
#include "store/reports.h"
#include "store/spool.h"
#include "store/state_directory.h"
#include "store/trial.h"

namespace ecrelay::store {

/// Body and rows are on disk, synced.
struct Stored {
  Acceptance kept;                      ///< what was handed over, with its location
  std::vector<HeldBehind> held_back{};  ///< these recipients are `suppressed` (trial.h)

  const Ulid& id() const { return kept.message.id; }
  const records::Location& location() const { return kept.message.location; }
};
/// The shop's idempotency key stands for an earlier message, which is stored; this one is not.
struct Duplicate {
  Ulid first;
};
/// Given up by Ticket::abandon(); not stored.
struct Abandoned {};
/// Not stored. After a fault that ended the writer it will also be gone from the book before
/// anything is served again.
struct Failed {
  std::string reason;
};
using AcceptOutcome = std::variant<Stored, Duplicate, Abandoned, Failed>;

/// The hold that a session keeps on what it handed over.
class Ticket {
 public:
  enum class Phase { pending, abandoned, settled };

  Ticket() = default;
  /// For a message that somebody else will hand over.
  static Ticket fresh();

  /// Gives the message up; returns at once. True: it will not be stored, nor dispatched, nor told
  /// to anybody as a duplicate; if its commit is under way it is taken back by the next one, and
  /// `done` then says Abandoned. (If the process is killed between these two commits it stays.)
  /// False: the outcome is settled and `done` has been, or is just being, called with it.
  [[nodiscard]] bool abandon() const;

 private:
  friend class AcceptJob;
  std::shared_ptr<std::atomic<Phase>> phase_;
};

/// Counts since the start; read from any thread.
struct WriterStatistics {
  std::uint64_t batches = 0;  ///< transactions committed
  std::uint64_t items = 0;    ///< acceptances, outcomes and changes in them
  std::uint64_t spool_syncs = 0;
  std::uint64_t sync_us = 0;        ///< microseconds spent in spool syncs
  std::uint64_t commit_us = 0;      ///< and in commits
  std::uint64_t waiting = 0;        ///< items not yet taken
  std::uint64_t moved = 0;          ///< records copied out of sparse segments
  Histogram syncs{quick_bounds};    ///< seconds of the spool's
  Histogram commits{quick_bounds};  ///< seconds
  Histogram batch_sizes{batch_bounds};
  std::string trouble;  ///< why the disk takes no mail at the moment; "" when it does
};

class Job;
class Writer;

/// Mail that is on its way to the writer, and will be there soon: a batch waits for it a little, so
/// that it shares the syncs. Any thread.
class Coming {
 public:
  explicit Coming(Writer& writer);
  Coming(Coming&& other) noexcept : writer_(std::exchange(other.writer_, nullptr)) {}
  Coming& operator=(Coming&&) = delete;
  ~Coming();

 private:
  Writer* writer_;
};

/// Owns the one store thread, and with it every write. The thread takes all that waits, appends
/// the bodies, syncs them once, writes all rows in one transaction, commits, and only then answers.
///
/// accept(), record() and change() may be called from any thread and never block on the disk.
/// Each `done` is called exactly once, on the store thread (after stop(): on the caller's), must
/// not throw, and should do no more than hand the outcome on.
///
/// Failures: an item that is wrong by itself fails alone. Where the disk takes no more (it is full,
/// or cannot be written) the ballast is given up for what is under way; from then on new messages
/// fail, and outcomes that find no room even so wait and are tried again, until the ballast fits
/// again. Any other fault before COMMIT fails the batch, and the writer lives. A fault in COMMIT or
/// in any sync ends the writer: all in the batch and all later items get Failed, `broken` is called
/// once, and the process has to end and open the store anew. Messages answered Failed by such a
/// commit are noted in the file `refused`, and Store removes them from the book when it opens.
class Writer {
 public:
  using AcceptDone = std::function<void(AcceptOutcome)>;
  using Done = std::function<void(Result<void>)>;

  struct Settings {
    int checkpoint_pages = 1000;                     ///< WAL pages before a checkpoint
    records::ListRules list_rules;                   ///< what signs are weighed by
    std::function<void(const std::string&)> broken;  ///< on the store thread; may be empty
    /// The disk takes no mail (why), or does again (""). On the store thread; may be empty.
    std::function<void(const std::string&)> troubled;
    std::chrono::milliseconds retry{1000};  ///< how often a disk in trouble is looked at
    /// So long outcomes wait for others to share their commit with, and a few mails for what is
    /// being signed.
    std::chrono::microseconds patience{3'000};
  };

  Writer(Connection& book, Spool& spool, StateDirectory& directory, Files& files, Ballast& ballast,
         Settings settings);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer();  ///< stop()

  Ticket accept(Acceptance acceptance, AcceptDone done);
  void accept(Acceptance acceptance, AcceptDone done, const Ticket& ticket);
  /// Is kept until it is on disk, however long the disk is full: look at stalled() before making
  /// more outcomes. Result: on disk; `refused` when the outcome contradicts the book; `unavailable`
  /// when the disk or the book failed (after the end of the writer it may still be on disk).
  void record(Outcome outcome, Done done);
  /// Keeps what came back (reports.h); the book's answer is what it made of it.
  void keep(Returned returned, std::function<void(Result<Kept>)> done);
  /// Runs one of the named operations (suppress, clear, retry, audit …) in the next transaction.
  /// `work` runs on the store thread; when it throws Failure nothing of it stays.
  void change(std::function<void(Transaction&)> work, Done done);

  /// What signs are weighed by in what is handed over from now on. Any thread.
  std::shared_ptr<const records::ListRules> list_rules() const;
  void set_list_rules(const records::ListRules& rules);
  bool broken() const { return broken_; }
  /// The disk is short of space or cannot be written: mail is refused.
  bool short_of_space() const { return short_of_space_; }
  /// Not even outcomes find room: what is delivered now could be delivered twice after a crash.
  bool stalled() const { return stalled_; }
  WriterStatistics statistics() const;
  /// How long the store thread has been at what it took last; zero while it waits for work.
  std::chrono::nanoseconds busy() const;

  /// Finishes what waits, then ends the thread. Idempotent; not from a `done` or `broken`.
  void stop();

 private:
  using Batch = std::deque<std::unique_ptr<Job>>;
  using Clock = std::chrono::steady_clock;

  void submit(std::unique_ptr<Job> job);
  // The rest runs on the store thread; false: the batch has been answered, all Failed.
  void run();
  Batch wait_for_work();
  void linger(std::unique_lock<std::mutex>& lock);
  void process(Batch batch);
  void drop_given_up(Batch& batch);
  void refuse_mail(Batch& batch);
  bool append(Job& job);
  void append_bodies(Batch& batch);
  bool sync_bodies(Batch& batch);
  bool commit_rows(Batch& batch);
  bool find_room(Batch& batch, const std::string& reason);
  void put_off(Batch& batch, const std::string& reason);
  void write_rows(Transaction& change, Batch& batch);
  void settle(Batch batch);
  void tidy_up();
  void propose_moves();
  void count_move(std::uint64_t segment, bool moved);
  void remove_segment(std::uint64_t segment);
  void checkpoint();
  void look_for_space();
  void lose_space(const std::string& reason);
  void tell_trouble();
  void answer_failed(Batch& batch, const std::string& reason);
  void break_down(Batch& batch, const std::string& reason);
  std::string note_refused(const Batch& batch);

  Connection& book_;
  Spool& spool_;
  StateDirectory& directory_;
  Files& files_;
  Ballast& ballast_;
  Settings settings_;

  // Of the store thread.
  Batch moves_;                       ///< to clear a sparse segment, with the next batch
  std::vector<std::uint64_t> stuck_;  ///< sparse segments that could not be cleared
  Batch put_off_;                     ///< outcomes that the disk had no room for
  std::string trouble_;               ///< why no mail is taken, until the ballast is back
  Clock::time_point next_look_;
  int checkpoint_at_;                   ///< pages in the WAL
  Batch take_back_;                     ///< abandoned when their commit had run; not yet answered
  std::vector<std::uint64_t> removed_;  ///< segments whose file is gone and whose row is not

  friend class Coming;
  void expect();
  void expect_no_more();
  bool is_due() const;

  mutable std::mutex mutex_;
  std::shared_ptr<const records::ListRules> list_rules_;
  std::condition_variable work_;
  std::size_t coming_ = 0;
  Batch waiting_;
  std::size_t pressing_ = 0;  ///< how many of them cannot wait
  bool stopping_ = false;
  WriterStatistics statistics_;
  std::atomic<bool> broken_ = false;
  std::atomic<bool> short_of_space_ = false;
  std::atomic<bool> stalled_ = false;
  std::atomic<Clock::rep> busy_since_ = 0;  ///< 0: it waits
  std::thread thread_;                      ///< last: everything above exists before it runs
};

}  // namespace ecrelay::store
