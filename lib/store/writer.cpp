#include "store/writer.h"

#include <pthread.h>

#include <chrono>
#include <exception>
#include <iterator>
#include <set>
#include <utility>

#include "store/job.h"
#include "store/messages.h"
#include "store/move.h"
#include "store/refused.h"

namespace ecrelay::store {
namespace {

/// So many outcomes are worth a commit of their own, and so many mails (measured: with twenty
/// sessions that sends about a twentieth more than waiting for all that is being signed).
constexpr std::size_t enough = 64;
constexpr std::size_t enough_mail = 12;

std::uint64_t microseconds_since(std::chrono::steady_clock::time_point start) {
  const auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - start);
  return static_cast<std::uint64_t>(elapsed.count());
}

}  // namespace

Writer::Writer(Connection& book, Spool& spool, StateDirectory& directory, Files& files,
               Ballast& ballast, Settings settings)
    : book_(book),
      spool_(spool),
      directory_(directory),
      files_(files),
      ballast_(ballast),
      settings_(std::move(settings)),
      checkpoint_at_(settings_.checkpoint_pages),
      list_rules_(std::make_shared<const records::ListRules>(settings_.list_rules)),
      thread_([this] { run(); }) {
  pthread_setname_np(thread_.native_handle(), "store");
}

Writer::~Writer() { stop(); }

Ticket Writer::accept(Acceptance acceptance, AcceptDone done) {
  Ticket ticket = Ticket::fresh();
  accept(std::move(acceptance), std::move(done), ticket);
  return ticket;
}

void Writer::accept(Acceptance acceptance, AcceptDone done, const Ticket& ticket) {
  submit(std::make_unique<AcceptJob>(std::move(acceptance), list_rules(), std::move(done), ticket));
}

void Writer::record(Outcome outcome, Done done) {
  submit(std::make_unique<RecordJob>(std::move(outcome), list_rules(), std::move(done)));
}

std::shared_ptr<const records::ListRules> Writer::list_rules() const {
  const std::lock_guard lock(mutex_);
  return list_rules_;
}

void Writer::set_list_rules(const records::ListRules& rules) {
  auto fresh = std::make_shared<const records::ListRules>(rules);
  const std::lock_guard lock(mutex_);
  list_rules_.swap(fresh);
}

void Writer::keep(Returned returned, std::function<void(Result<Kept>)> done) {
  submit(std::make_unique<ReturnJob>(std::move(returned), list_rules(), std::move(done)));
}

void Writer::change(std::function<void(Transaction&)> work, Done done) {
  submit(std::make_unique<ChangeJob>(std::move(work), std::move(done)));
}

void Writer::submit(std::unique_ptr<Job> job) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      const bool presses = !job->can_wait();
      const bool first = waiting_.empty();
      if (presses) ++pressing_;
      waiting_.push_back(std::move(job));
      if (first || (presses && is_due()) || waiting_.size() > enough) work_.notify_one();
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

std::chrono::nanoseconds Writer::busy() const {
  const Clock::rep since = busy_since_;
  if (since == 0) return {};
  return Clock::now() - Clock::time_point(Clock::duration(since));
}

void Writer::run() {
  if (!ballast_.held()) lose_space("the disk had no room when the store was opened");
  for (;;) {
    Batch batch = wait_for_work();
    if (batch.empty() && take_back_.empty() && trouble_.empty()) return;
    busy_since_ = Clock::now().time_since_epoch().count();
    process(std::move(batch));
    busy_since_ = 0;
    const std::lock_guard lock(mutex_);
    if (stopping_ && waiting_.empty() && put_off_.empty() && take_back_.empty()) return;
  }
}

/// All that waits. Returns empty-handed when there is something to take back, a disk in trouble to
/// be looked at, or to stop.
Writer::Batch Writer::wait_for_work() {
  std::unique_lock lock(mutex_);
  const auto ready = [this] { return !waiting_.empty() || stopping_; };
  if (!trouble_.empty())
    work_.wait_for(lock, settings_.retry, ready);
  else
    work_.wait(lock, [&] { return ready() || !take_back_.empty() || !moves_.empty(); });
  linger(lock);
  Batch batch = std::exchange(put_off_, Batch());
  std::move(moves_.begin(), moves_.end(), std::back_inserter(batch));
  moves_.clear();
  std::move(waiting_.begin(), waiting_.end(), std::back_inserter(batch));
  waiting_.clear();
  pressing_ = 0;
  return batch;
}

/// Two syncs a batch: outcomes that come alone are worth none of their own as long as mail may
/// follow, and a few mails wait for what is being signed. What this adds to the time in which a
/// crash would deliver twice (P3), and to that of a reply, is bounded.
void Writer::linger(std::unique_lock<std::mutex>& lock) {
  if (waiting_.empty() || !take_back_.empty()) return;
  work_.wait_for(lock, settings_.patience,
                 [this] { return is_due() || stopping_ || waiting_.size() > enough; });
}

/// Mail has nothing more to wait for.
bool Writer::is_due() const { return pressing_ > 0 && (coming_ == 0 || pressing_ >= enough_mail); }

void Writer::expect() {
  const std::lock_guard lock(mutex_);
  ++coming_;
}

void Writer::expect_no_more() {
  const std::lock_guard lock(mutex_);
  --coming_;
  if (is_due()) work_.notify_one();
}

Coming::Coming(Writer& writer) : writer_(&writer) { writer.expect(); }
Coming::~Coming() {
  if (writer_ != nullptr) writer_->expect_no_more();
}

void Writer::process(Batch batch) {
  if (broken_) return answer_failed(batch, "the store has failed and must be opened anew");
  look_for_space();
  if (stalled_) return put_off(batch, trouble_);
  drop_given_up(batch);
  refuse_mail(batch);
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

void Writer::refuse_mail(Batch& batch) {
  if (trouble_.empty()) return;
  for (const auto& job : batch)
    if (job->is_mail()) job->fail(unavailable(trouble_));
}

void Writer::append_bodies(Batch& batch) {
  for (auto& job : batch)
    if (!job->error() && !append(*job)) put_off_.push_back(std::move(job));
  std::erase(batch, nullptr);
}

/// False: it has to wait for room. What an outcome brings may have that of the ballast.
bool Writer::append(Job& job) {
  for (;;) {
    try {
      job.append(spool_);
      return true;
    } catch (const Refused& refusal) {
      job.fail(refused(refusal.what()));
      return true;
    } catch (const Failure& failure) {
      const bool room = ballast_.give_up();
      if (job.is_lasting() && !room) stalled_ = true;
      lose_space(failure.what());
      if (!job.is_lasting()) {
        job.fail(unavailable(failure.what()));
        return true;
      }
      if (!room) return false;
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
  statistics_.syncs.observe(Clock::now() - start);
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
  } catch (const Unwritten& failure) {
    return find_room(batch, failure.what());
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
  statistics_.commits.observe(Clock::now() - start);
  statistics_.batch_sizes.observe(static_cast<double>(batch.size()));
  return true;
}

/// The disk took no more, and nothing of the batch is in the book. With the ballast gone it is
/// tried once more.
bool Writer::find_room(Batch& batch, const std::string& reason) {
  const bool room = ballast_.give_up();
  stalled_ = !room;
  lose_space(reason);
  if (room) return commit_rows(batch);
  put_off(batch, reason);
  return false;
}

/// Senders try again by themselves. An outcome happened and has to be written, so it waits, unless
/// the process is about to end.
void Writer::put_off(Batch& batch, const std::string& reason) {
  Batch others;
  std::unique_lock lock(mutex_);
  for (auto& job : batch)
    (job->is_lasting() && !job->error() && !stopping_ ? put_off_ : others)
        .push_back(std::move(job));
  const bool last = stopping_;
  lock.unlock();
  answer_failed(others, reason);
  if (last)
    for (const auto& job : std::exchange(take_back_, {})) job->answer();
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
  for (const Spool::Closed& closed : spool_.closed())
    book_.execute("UPDATE segment SET size = ? WHERE number = ?", closed.size, closed.segment);
}

/// After the commit: what was abandoned meanwhile goes into the next transaction and is answered
/// then; so is a duplicate of it, which must be stored now that its first is not.
void Writer::settle(Batch batch) {
  for (const auto& job : std::exchange(take_back_, {})) job->answer();
  removed_.clear();
  spool_.clear_closed();

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
  pressing_ += again.size();
  std::move(again.rbegin(), again.rend(), std::front_inserter(waiting_));
}

/// Not needed for any answer: removes dead segments, copies a long WAL into the book.
void Writer::tidy_up() {
  try {
    Rows dead =
        book_.query("SELECT number FROM segment WHERE live = 0 AND number <> ?", spool_.active());
    while (dead.next()) remove_segment(dead.number<std::uint64_t>());
    propose_moves();
    if (book_.wal_pages() >= checkpoint_at_) checkpoint();
  } catch (const Failure& failure) {
    Batch nobody;
    break_down(nobody, failure.what());
  }
}

/// A little at a time, so that mail hardly waits for it: each slice is followed by the next.
void Writer::propose_moves() {
  constexpr std::uint64_t slice = std::uint64_t{1} << 20;
  if (!trouble_.empty()) return;
  const auto segment = sparse_segment(book_, stuck_);
  if (!segment) return;
  for (const LiveRecord& record : live_records(book_, *segment, slice))
    moves_.push_back(std::make_unique<MoveJob>(
        record.message, record.location,
        [this, number = *segment](bool moved) { count_move(number, moved); }));
}

void Writer::count_move(std::uint64_t segment, bool moved) {
  if (!moved) return stuck_.push_back(segment);
  const std::lock_guard lock(mutex_);
  ++statistics_.moved;
}

/// A checkpoint that the disk has no room for is tried again when the WAL is as much longer: the
/// WAL has it all.
void Writer::checkpoint() {
  try {
    book_.checkpoint(Checkpoint::passing);
    checkpoint_at_ = settings_.checkpoint_pages;
  } catch (const Unwritten& failure) {
    checkpoint_at_ = book_.wal_pages() + settings_.checkpoint_pages;
    ballast_.give_up();
    lose_space(failure.what());
  }
}

/// After trouble: the disk has room again when it has it for the ballast, and as much beside it;
/// what the ballast itself gave up is none.
void Writer::look_for_space() {
  if (trouble_.empty() || Clock::now() < next_look_) return;
  next_look_ = Clock::now() + settings_.retry;
  try {
    if (directory_.space().free < 2 * ballast_.bytes()) return;
    ballast_.take();
  } catch (const Failure&) {
    return;
  }
  trouble_.clear();
  stuck_.clear();
  short_of_space_ = stalled_ = false;
  tell_trouble();
}

void Writer::lose_space(const std::string& reason) {
  short_of_space_ = true;
  if (trouble_.empty()) trouble_ = reason;
  tell_trouble();
}

void Writer::tell_trouble() {
  std::unique_lock lock(mutex_);
  const bool changed = statistics_.trouble.empty() != trouble_.empty();
  statistics_.trouble = trouble_;
  lock.unlock();
  if (changed && settings_.troubled) settings_.troubled(trouble_);
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
  answer_failed(put_off_, whole);
  put_off_.clear();
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
