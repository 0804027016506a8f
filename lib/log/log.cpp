#include "log/log.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <spdlog/async.h>
#include <spdlog/async_logger.h>

#include <cstdlib>
#include <mutex>
#include <string>

#include "log/journal.h"

namespace ecrelay::log {
namespace {

/// Lines that may wait for a slow target: about 8 MiB at most in practice.
constexpr std::size_t queue_lines = 8192;

class SinkAdapter final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit SinkAdapter(std::shared_ptr<Sink> to) : sink_(std::move(to)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    sink_->write({message.payload.data(), message.payload.size()});
  }
  void flush_() override {}

 private:
  std::shared_ptr<Sink> sink_;
};

/// systemd says in JOURNAL_STREAM which file its journal reads from, so that a service whose output
/// was sent elsewhere can tell (systemd.exec(5)).
bool leads_to_the_journal(int file) {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (stream == nullptr || ::fstat(file, &status) != 0) return false;
  return stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

// The one global of the program: events come from everywhere.
std::unique_ptr<Journal> in_force;

}  // namespace

Journal* journal() { return in_force.get(); }

Journal::Journal(const Options& options, std::shared_ptr<TargetSink> target)
    : options_(options),
      level_(options.level),
      format_(options.format),
      masks_(options.mask_addresses),
      repeats_(options.refusals_per_minute),
      worker_(std::make_shared<spdlog::details::thread_pool>(
          queue_lines, 1, [] { pthread_setname_np(pthread_self(), "log"); })),
      target_(std::move(target)) {
  target_->watch([worker = worker_.get()] { return worker->overrun_counter(); });
  // Old lines go first: a block here would hold up mail.
  logger_ = std::make_shared<spdlog::async_logger>("ecrelay", target_, worker_,
                                                   spdlog::async_overflow_policy::overrun_oldest);
}

Journal::Journal(const Options& options, std::shared_ptr<Sink> sink)
    : options_(options),
      level_(options.level),
      format_(options.format),
      masks_(options.mask_addresses),
      repeats_(options.refusals_per_minute),
      logger_(std::make_shared<spdlog::logger>("ecrelay", std::make_shared<SinkAdapter>(sink))) {}

// The pool writes what is queued before its thread ends; the sink must outlive that.
Journal::~Journal() { worker_.reset(); }

void Journal::write(const std::string& line) {
  logger_->log(spdlog::level::info, spdlog::string_view_t(line));
}

void Journal::count(Event event) {
  Tally& tally = tallies_[static_cast<std::size_t>(event)];
  tally.count.fetch_add(1, std::memory_order_relaxed);
  tally.last.store(now().time_since_epoch().count(), std::memory_order_relaxed);
}

bool Journal::admits(Event event, const std::string& client) {
  const std::lock_guard lock(repeats_mutex_);
  return repeats_.admit(event, client, std::chrono::steady_clock::now());
}

void Journal::set_refusals(std::uint32_t a_minute) {
  const std::lock_guard lock(repeats_mutex_);
  repeats_.set_limit(a_minute);
}

void Journal::tell_repeated(Repeats::Time at) {
  std::unique_lock lock(repeats_mutex_);
  const std::vector<Repeats::LeftOut> left_out = repeats_.over(at);
  lock.unlock();
  for (const Repeats::LeftOut& each : left_out)
    lines_left_out(info(each.event).name, each.client, each.lines);
}

std::vector<EventCount> Journal::counts() const {
  std::vector<EventCount> counts;
  for (std::size_t i = 0; i < event_kinds; ++i) {
    EventCount each{info(static_cast<Event>(i)).name, tallies_[i].count.load(), {}};
    if (each.count > 0) each.last = TimePoint(Duration(tallies_[i].last.load()));
    counts.push_back(each);
  }
  return counts;
}

void Journal::set_format(Format format) {
  format_.store(format, std::memory_order_relaxed);
  if (target_) target_->set_format(format);
}

void Journal::reopen() {
  if (!target_) return;
  target_->ask_reopen();
  logger_->flush();
}

std::size_t Journal::lost() const {
  return target_ ? target_->failed() + worker_->overrun_counter() : 0;
}

Result<void> start(const Options& asked) {
  Options options = asked;
  options.priorities |= options.target == "stdout" && leads_to_the_journal(STDOUT_FILENO);
  auto target = TargetSink::open(options);
  if (!target) return target.error();
  in_force = std::make_unique<Journal>(options, std::move(*target));
  return {};
}

void start(const Options& options, std::shared_ptr<Sink> sink) {
  in_force = std::make_unique<Journal>(options, std::move(sink));
}

void stop() {
  tell_repeated(std::chrono::steady_clock::time_point::max());
  in_force.reset();
}

void tell_repeated(std::chrono::steady_clock::time_point at) {
  if (in_force) in_force->tell_repeated(at);
}

std::vector<EventCount> counts() {
  return in_force ? in_force->counts() : std::vector<EventCount>();
}

void reopen() {
  if (in_force) in_force->reopen();
}

void set_level(Level level) {
  if (in_force) in_force->set_level(level);
}

void set_format(Format format) {
  if (in_force) in_force->set_format(format);
}

void set_masking(bool mask_addresses) {
  if (in_force) in_force->set_masking(mask_addresses);
}

void set_refusals(std::uint32_t a_minute) {
  if (in_force) in_force->set_refusals(a_minute);
}

std::size_t lost() { return in_force ? in_force->lost() : 0; }

std::string_view to_text(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
  }
  return "";
}

}  // namespace ecrelay::log
