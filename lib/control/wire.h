#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "core/result.h"

/// What is said over the control socket: one JSON object a line each way.
///     {"command":"queue.list","arguments":{"shop":"shop-a"}}
///     {"ok":true,"result":{…}}
///     {"ok":false,"error":{"code":"not_found","message":"…"}}
namespace ecrelay::control {

inline constexpr std::size_t max_request = std::size_t{1} << 20;
inline constexpr std::size_t max_reply = std::size_t{256} << 20;

struct Request {
  std::string command;
  boost::json::object arguments;
};

/// Why a request got no result; ecrelayctl's exit codes follow from it.
enum class FaultCode {
  invalid,        ///< bad input: 65
  not_found,      ///< the answer is no: 1
  conflict,       ///< its state does not allow it: 1
  refused,        ///< not permitted: 77
  unavailable,    ///< nobody there, or too busy: 69
  cannot_write,   ///< the book or a file could not be written: 73
  configuration,  ///< 78
  internal,       ///< 70
};

struct Fault {
  // A constructor, because aggregates do not survive co_await expressions on g++ 12.2.
  Fault(FaultCode kind, std::string text) : code(kind), message(std::move(text)) {}

  FaultCode code;
  std::string message;  ///< for people; lines are separate complaints
};

/// As of sysexits.h, where CONTRACT names them.
int exit_code(FaultCode code);

using Reply = std::variant<boost::json::object, Fault>;

/// A result as it is, an Error as the fault of the same name.
Reply reply_of(Result<boost::json::object> result);

/// One line without its end, or why it is no request. The nesting is bounded.
Result<Request> parse_request(std::string_view line);
/// Lines without their end.
std::string to_line(const Request& request);
std::string to_line(const Reply& reply);
/// A line that is no reply becomes an internal fault.
Reply parse_reply(std::string_view line);

}  // namespace ecrelay::control
