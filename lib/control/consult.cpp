#include "control/consult.h"

#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "config/loader.h"
#include "control/changes.h"
#include "control/client.h"
#include "control/money_answers.h"
#include "core/escape.h"
#include "store/inquiry.h"

namespace ecrelay::control {
namespace {

Reply from_book(const Request& request, const config::Settings& settings) {
  const std::string path = settings.state_dir / "book.db";
  if (auto fault = unreadable(path)) return *fault;
  store::Inquiry book(path);
  if (request.command == "status") {
    boost::json::object answer = summary(book, now());
    answer["running"] = false;
    return answer;
  }
  const Question question{request.arguments, book, settings, now()};
  return reply_of(answer_from_book(request.command, question));
}

Reply from_files(const Request& request, const config::Settings& settings,
                 const Substitutes& substitutes) {
  if (asks_dns(request.command)) {
    return reply_of(
        answer_dns_here(request.command, request.arguments, substitutes.examiner(settings)));
  }
  if (asks_the_settings(request.command)) {
    return reply_of(answer_from_settings(request.command, request.arguments, settings));
  }
  if (request.command != "host.explain") return from_book(request, settings);
  const Result<Explain> explain = substitutes.explainer(settings);
  if (!explain) return Fault(FaultCode::configuration, explain.error().detail);
  return reply_of(answer_explain(request.arguments, *explain));
}

/// Asks the daemon now and then, in a thread of its own, how far it is with what it was asked.
class Watch {
 public:
  Watch(std::string socket, ProgressReport report)
      : thread_([this, path = std::move(socket), tell = std::move(report)] { watch(path, tell); }) {
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
      end_.notify_one();
    }
    thread_.join();
  }

 private:
  void watch(const std::string& socket, const ProgressReport& report) {
    const Request request{"progress", {}};
    std::unique_lock lock(mutex_);
    while (!end_.wait_for(lock, std::chrono::milliseconds(500), [this] { return over_; })) {
      const Result<Reply> reply = ask(socket, request, std::chrono::seconds(5));
      const auto* answer = reply ? std::get_if<boost::json::object>(&*reply) : nullptr;
      if (answer == nullptr) continue;
      Progress progress;
      progress.done = answer->at("done").to_number<std::int64_t>();
      progress.all = answer->at("all").to_number<std::int64_t>();
      if (progress.all > 0) report(progress);
    }
  }

  std::mutex mutex_;
  std::condition_variable end_;
  bool over_ = false;
  std::thread thread_;  ///< last: everything above exists before it runs
};

Result<Reply> ask_and_watch(const std::string& socket, const Request& request,
                            const ProgressReport& report) {
  const bool long_work = is_slow(request.command) || request.command == "dns.check";
  if (!long_work) return ask(socket, request, std::chrono::minutes(2));
  const std::unique_ptr<Watch> watch = report ? std::make_unique<Watch>(socket, report) : nullptr;
  return ask(socket, request, std::chrono::hours(2));
}

bool needs_daemon(const std::string& command) {
  return is_change(command) || command == "reload" || command == "send.test";
}

/// Without a daemon.
Consultation alone(const config::LoadOutcome& loaded, const Request& request,
                   const Substitutes& substitutes, const std::string& why) {
  if (needs_daemon(request.command)) {
    Fault fault(FaultCode::unavailable, "the daemon is not running (" + why + "): start it");
    return Consultation{std::move(fault), {}, true};
  }
  if (!loaded.settings) return Consultation{broken_configuration(loaded), {}, true};
  Consultation result{from_files(request, *loaded.settings, substitutes), {}, true};
  const bool answered = !std::holds_alternative<Fault>(result.reply);
  result.notes.push_back("the daemon is not running (" + why + ")" +
                         (answered ? "; answered from its files" : ""));
  return result;
}

}  // namespace

Fault broken_configuration(const config::LoadOutcome& loaded) {
  std::string lines;
  for (const config::Problem& problem : loaded.errors) {
    lines += (lines.empty() ? "" : "\n") + problem.text();
  }
  return Fault(FaultCode::configuration, std::move(lines));
}

std::optional<Fault> unreadable(const std::string& book) {
  if (::access(book.c_str(), R_OK) == 0) return std::nullopt;
  const int why = errno;
  const std::string text = printable(book) + ": " + std::strerror(why);
  if (why == ENOENT) {
    return Fault(FaultCode::unavailable, "there is no book: " + text);
  }
  return Fault(FaultCode::refused,
               "its book may be read only by "
               "its own user and root: " +
                   text);
}

Consultation consult(const Whereabouts& place, const Request& request,
                     const Substitutes& substitutes) {
  // With a socket named the file is needed only when the daemon is down.
  std::optional<config::LoadOutcome> loaded;
  std::string socket = place.socket.value_or(config::Control().socket.string());
  if (!place.socket) {
    loaded = config::load(place.config);
    if (!loaded->settings && place.config_named)
      return Consultation{broken_configuration(*loaded), {}, false};
    if (loaded->settings) socket = loaded->settings->control.socket.string();
  }
  Result<Reply> reply = ask_and_watch(socket, request, substitutes.report);
  if (reply) return Consultation{std::move(*reply), {}, false};
  const std::string why = reply.error().detail;
  if (reply.error().code == ErrorCode::refused) {
    Fault fault(FaultCode::refused,
                why + ": be root, the relay's own user or in the socket's group");
    return Consultation{std::move(fault), {}, false};
  }
  if (!loaded) loaded = config::load(place.config);
  return alone(*loaded, request, substitutes, why);
}

}  // namespace ecrelay::control
