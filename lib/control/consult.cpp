#include "control/consult.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
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

bool needs_daemon(const std::string& command) { return is_change(command) || command == "reload"; }

/// Without a daemon.
Consultation alone(const config::LoadOutcome& loaded, const Request& request,
                   const Substitutes& substitutes, const std::string& why) {
  if (needs_daemon(request.command)) {
    Fault fault(FaultCode::unavailable, "the daemon is not running (" + why + "): start it");
    return Consultation{std::move(fault), {}, true};
  }
  if (!loaded.settings) return Consultation{broken_configuration(loaded), {}, true};
  Consultation result{from_files(request, *loaded.settings, substitutes), {}, true};
  result.notes.push_back("the daemon is not running (" + why + "); answered from its files");
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
  const bool long_work = is_slow(request.command) || request.command == "dns.check";
  const auto patience = long_work ? std::chrono::hours(2) : std::chrono::minutes(2);
  Result<Reply> reply = ask(socket, request, patience);
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
