#include "control/send_test.h"

#include <boost/json/array.hpp>

#include <thread>
#include <utility>

#include "control/fields.h"

namespace ecrelay::control {
namespace {

constexpr std::chrono::milliseconds between_looks{300};

/// The one recipient of a test, in the trace of it.
const boost::json::object& recipient_in(const boost::json::object& trace) {
  const auto& message = trace.at("messages").as_array().at(0).as_object();
  return message.at("recipients").as_array().at(0).as_object();
}

/// "queued, 2 attempts: 450 4.2.0 try later"
std::string state_of(const boost::json::object& recipient) {
  std::string text = shown(recipient, "state");
  if (field(recipient, "attempts") != "0")
    text += " after " + shown(recipient, "attempts") + " attempts";
  if (!field(recipient, "reply").empty()) text += ": " + shown(recipient, "reply");
  return text;
}

bool is_over(const std::string& state) { return state != "queued"; }

}  // namespace

Consultation send_test(const Whereabouts& place, const TestOrder& order,
                       const std::function<void(const std::string&)>& told) {
  Consultation sent = consult(place, order.request, {});
  const auto* accepted = std::get_if<boost::json::object>(&sent.reply);
  if (accepted == nullptr) return sent;
  Request look;
  look.command = "trace";
  look.arguments["query"] = accepted->at("id");
  told("stored as " + field(*accepted, "id"));
  const auto deadline = std::chrono::steady_clock::now() + order.wait;
  for (std::string before;;) {
    Consultation seen = consult(place, look, {});
    auto* trace = std::get_if<boost::json::object>(&seen.reply);
    if (trace == nullptr) return seen;
    const boost::json::object& recipient = recipient_in(*trace);
    const std::string state = field(recipient, "state");
    const std::string text = state_of(recipient);
    if (text != before) told(text);
    before = text;
    if (is_over(state) || std::chrono::steady_clock::now() > deadline) {
      (*trace)["ok"] = state == "sent";
      return seen;
    }
    std::this_thread::sleep_for(between_looks);
  }
}

}  // namespace ecrelay::control
