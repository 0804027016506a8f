#pragma once

#include <boost/json/object.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "control/progress.h"
#include "control/wire.h"
#include "core/network.h"
#include "core/result.h"
#include "core/time.h"
#include "policy/admission.h"
#include "store/inquiry.h"

/// Questions, and their answers as JSON: the same functions for the daemon, and for ecrelayctl
/// beside a daemon that is down. They only read. Errors: invalid (an argument), not_found (the
/// answer is no). What the book cannot say throws store::Failure.
///
/// In every answer times are RFC 3339 in JST, amounts decimal texts in yen, absent things null or
/// "", and texts from outside as they came (json_text).
namespace ecrelay::control {

/// What an answer is made from.
struct Question {
  const boost::json::object& arguments;
  store::Inquiry& book;
  const config::Settings& settings;
  TimePoint now;
  ProgressReport report = {};  ///< of what is slow; may be empty
};
using Answer = Result<boost::json::object>;

/// dkim.list, queue.list, queue.show, trace, usage, suppression.show, .list and .history, audit.
bool asks_the_book(std::string_view command);
Answer answer_from_book(std::string_view command, const Question& question);

/// config.diff, which reads a file.
bool asks_the_settings(std::string_view command);
Answer answer_from_settings(std::string_view command, const boost::json::object& arguments,
                            const config::Settings& settings);

/// host.explain; the steps come from the admission in force. "admitted" is whether all passed.
using Explain = std::function<std::vector<policy::Step>(
    const IpAddress& client, std::optional<std::string_view> sender_domain)>;
Answer answer_explain(const boost::json::object& arguments, const Explain& explain);

/// The part of `status` that the book knows: the queue, and the month that is open.
boost::json::object summary(store::Inquiry& book, TimePoint now);

/// Every command of the protocol, for "did you mean".
const std::vector<std::string>& commands();
Error unknown_command(std::string_view command);

}  // namespace ecrelay::control
