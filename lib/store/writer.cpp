#include "store/writer.h"

#include <chrono>
#include <exception>
#include <set>
#include <utility>

#include "store/job.h"
#include "store/messages.h"
#include "store/refused.h"

namespace ecrelay::store {
namespace {

using Clock = std::chrono::steady_clock;

std::uint64_t microseconds_since(Clock::time_point start) {
  const auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
  return static_cast<std::uint64_t>(elapsed.count());
}

}  // namespace

Writer::Writer(Connection& book, Spool& spool, StateDirectory& directory, Files& files,
               Settings settings)
    : book_(book),
      spool_(spool),
      directory_(directory),
      files_(files),
      settings_(std::move(settings)),
      thread_([this] { run(); }) {}

Writer::~Writer() { stop(); }

Ticket Writer::accept(Acceptance acceptance, AcceptDone done) {
  auto job = std::make_unique<AcceptJob>(std::move(acceptance), std::move(done));
  Ticket ticket = job->ticket();
  submit(std::move(job));
  return ticket;
}

void Writer::record(Outcome outcome, Done done) {
  submit(std::make_unique<RecordJob>(std::move(outcome), settings_.list_rules, std::move(done)));
}

void Writer::change(std::function<void(Transaction&)> work, Done done) {
  submit(std::make_unique<ChangeJob>(std::move(work), std::move(done)));
}

void Writer::submit(std::unique_ptr<Job> job) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      waiting_.push_back(std::move(job));
      work_.notify_one();
      return;
    }
  }
  job->fail(unavailable("the store is being closed"));
  job->answer();
}

void Writer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    work_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

WriterStatistics Writer::statistics() const {
  const std::lock_guard lock(mutex_);
  WriterStatistics statistics = statistics_;
  statistics.waiting = waiting_.size();
  return statistics;
}

void Writer::run() {
  for (Batch batch = wait_for_work(); !batch.empty() || !take_back_.empty();
       batch = wait_for_work())
    process(std::move(batch));
}

/// All that waits. Returns empty-handed when there is something to take back, or to stop.
Writer::Batch Writer::wait_for_work() {
  std::unique_lock lock(mutex_);
  work_.wait(lock, [this] { return !waiting_.empty() || !take_back_.empty() || stopping_; });
  return std::exchange(waiting_, Batch());
}

void Writer::process(Batch batch) {
  if (broken_) return answer_failed(batch, "the store has failed and must be opened anew");
  drop_given_up(batch);
  append_bodies(batch);
  if (!sync_bodies(batch)) return;
  if (batch.empty() && take_back_.empty()) return;
  if (!commit_rows(batch)) return;
  settle(std::move(batch));
  tidy_up();
}

void Writer::drop_given_up(Batch& batch) {
  std::erase_if(batch, [](const std::unique_ptr<Job>& job) {
    if (!job->given_up()) return false;
    job->answer();
    return true;
  });
}

void Writer::append_bodies(Batch& batch) {
  for (const auto& job : batch) {
    try {
      job->append(spool_);
    } catch (const Failure& failure) {
      job->fail(unavailable(failure.what()));
    }
  }
}

bool Writer::sync_bodies(Batch& batch) {
  if (!spool_.needs_sync()) return true;
  const auto start = Clock::now();
  try {
    spool_.sync();
  } catch (const Failure& failure) {
    break_down(batch, failure.what());
    return false;
  }
  const std::lock_guard lock(mutex_);
  ++statistics_.spool_syncs;
  statistics_.sync_us += microseconds_since(start);
  return true;
}

bool Writer::commit_rows(Batch& batch) {
  bool committing = false;
  const auto start = Clock::now();
  try {
    Transaction change(book_);
    write_rows(change, batch);
    committing = true;
    change.commit();
  } catch (const std::exception& failure) {
    if (committing || !take_back_.empty())
      break_down(batch, failure.what());
    else
      answer_failed(batch, failure.what());
    return false;
  }
  const std::lock_guard lock(mutex_);
  ++statistics_.batches;
  statistics_.items += batch.size();
  statistics_.commit_us += microseconds_since(start);
  return true;
}

void Writer::write_rows(Transaction& change, Batch& batch) {
  for (const auto& job : take_back_) take_back(change, *job->inserted());
  for (const std::uint64_t segment : removed_)
    book_.execute("DELETE FROM segment WHERE number = ? AND live = 0", segment);
  // Known to the book from now on, so that it is removed even if no message in it ever lived.
  book_.execute("INSERT INTO segment (number, live) VALUES (?, 0) ON CONFLICT DO NOTHING",
                spool_.active());
  for (const auto& job : batch) {
    if (job->error()) continue;
    try {
      Savepoint alone(change);
      job->write(change);
      alone.keep();
    } catch (const Refused& refusal) {
      job->fail(refused(refusal.what()));
    }
  }
}

/// After the commit: what was abandoned meanwhile goes into the next transaction and is answered
/// then; so is a duplicate of it, which must be stored now that its first is not.
void Writer::settle(Batch batch) {
  for (const auto& job : std::exchange(take_back_, {})) job->answer();
  removed_.clear();

  std::set<Ulid> gone;
  for (auto& job : batch) {
    if (job->error() || !job->inserted() || job->settle()) continue;
    gone.insert(*job->inserted());
    take_back_.push_back(std::move(job));
  }
  std::erase(batch, nullptr);

  Batch again;
  for (auto& job : batch) {
    const auto first = job->error() ? std::nullopt : job->duplicate_of();
    if (first && gone.contains(*first))
      again.push_back(std::move(job));
    else
      job->answer();
  }
  const std::lock_guard lock(mutex_);
  std::move(again.rbegin(), again.rend(), std::front_inserter(waiting_));
}

/// Not needed for any answer: removes dead segments, copies a long WAL into the book.
void Writer::tidy_up() {
  Batch nobody;
  try {
    Rows dead =
        book_.query("SELECT number FROM segment WHERE live = 0 AND number <> ?", spool_.active());
    while (dead.next()) remove_segment(dead.number<std::uint64_t>());
  } catch (const Failure& failure) {
    return break_down(nobody, failure.what());
  }
  if (book_.wal_pages() < settings_.checkpoint_pages) return;
  try {
    book_.checkpoint(Checkpoint::passing);
  } catch (const Failure& failure) {
    break_down(nobody, failure.what());
  }
}

void Writer::remove_segment(std::uint64_t segment) {
  try {
    spool_.remove(segment);
    removed_.push_back(segment);
  } catch (const Failure&) {
    // The file costs space and nothing else; the next batch and the next start try again.
  }
}

void Writer::answer_failed(Batch& batch, const std::string& reason) {
  for (const auto& job : batch) {
    if (!job->error()) job->fail(unavailable(reason));
    job->answer();
  }
}

void Writer::break_down(Batch& batch, const std::string& reason) {
  book_.keep_wal();
  broken_ = true;
  const std::string whole = reason + note_refused(batch);
  if (settings_.broken) settings_.broken(whole);
  answer_failed(batch, whole);
  for (const auto& job : std::exchange(take_back_, {})) job->answer();
}

/// Before anybody hears "not stored": the list from which the next start makes it true.
std::string Writer::note_refused(const Batch& batch) {
  std::vector<Ulid> ids;
  for (const auto& job : batch)
    if (const auto id = job->error() ? std::nullopt : job->inserted()) ids.push_back(*id);
  for (const auto& job : take_back_) ids.push_back(*job->inserted());
  if (ids.empty()) return "";
  try {
    store::note_refused(directory_, files_, ids);
    return "";
  } catch (const Failure& failure) {
    return "; nor could the list of refused messages be written (" + std::string(failure.what()) +
           "): up to " + std::to_string(ids.size()) + " may be sent although they were refused";
  }
}

}  // namespace ecrelay::store
