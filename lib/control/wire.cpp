#include "control/wire.h"

#include <boost/json/parse.hpp>

#include <optional>
#include <utility>

#include "control/json.h"
#include "records/names.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;

constexpr records::Names<FaultCode, 8> fault_names{{
    {FaultCode::invalid, "invalid"},
    {FaultCode::not_found, "not_found"},
    {FaultCode::conflict, "conflict"},
    {FaultCode::refused, "refused"},
    {FaultCode::unavailable, "unavailable"},
    {FaultCode::cannot_write, "cannot_write"},
    {FaultCode::configuration, "configuration"},
    {FaultCode::internal, "internal"},
}};

FaultCode fault_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid:
      return FaultCode::invalid;
    case ErrorCode::not_found:
      return FaultCode::not_found;
    case ErrorCode::conflict:
      return FaultCode::conflict;
    case ErrorCode::refused:
      return FaultCode::refused;
    case ErrorCode::unavailable:
      return FaultCode::unavailable;
  }
  return FaultCode::internal;
}

/// The line as an object; nothing for anything else.
std::optional<json::object> object_of(std::string_view line) {
  json::error_code failed;
  json::value value = json::parse(line, failed);
  if (failed || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  const json::string* text = found == nullptr ? nullptr : found->if_string();
  return text == nullptr ? std::string() : std::string(*text);
}

Fault no_reply() { return Fault{FaultCode::internal, "the daemon's answer cannot be understood"}; }

}  // namespace

int exit_code(FaultCode code) {
  switch (code) {
    case FaultCode::invalid:
      return 65;
    case FaultCode::not_found:
    case FaultCode::conflict:
      return 1;
    case FaultCode::refused:
      return 77;
    case FaultCode::unavailable:
      return 69;
    case FaultCode::cannot_write:
      return 73;
    case FaultCode::configuration:
      return 78;
    case FaultCode::internal:
      break;
  }
  return 70;
}

Reply reply_of(Result<json::object> result) {
  if (result) return std::move(*result);
  return Fault{fault_of(result.error().code), result.error().detail};
}

Result<Request> parse_request(std::string_view line) {
  auto object = object_of(line);
  if (!object) return invalid("a request is one JSON object on one line");
  Request request;
  request.command = text_of(*object, "command");
  if (request.command.empty()) return invalid("the request has no command");
  if (json::value* arguments = object->if_contains("arguments")) {
    if (!arguments->is_object()) return invalid("the arguments are no JSON object");
    request.arguments = std::move(arguments->get_object());
  }
  return request;
}

std::string to_line(const Request& request) {
  json::object object;
  object["command"] = json_text(request.command);
  object["arguments"] = request.arguments;
  return serialized(object);
}

std::string to_line(const Reply& reply) {
  json::object object;
  if (const auto* result = std::get_if<json::object>(&reply)) {
    object["ok"] = true;
    object["result"] = *result;
  } else {
    const Fault& fault = std::get<Fault>(reply);
    json::object error;
    error["code"] = records::name_of(fault_names, fault.code);
    error["message"] = json_text(fault.message);
    object["ok"] = false;
    object["error"] = std::move(error);
  }
  return serialized(object);
}

Reply parse_reply(std::string_view line) {
  auto object = object_of(line);
  if (!object) return no_reply();
  if (json::value* result = object->if_contains("result"); result && result->is_object()) {
    return std::move(result->get_object());
  }
  const json::value* error = object->if_contains("error");
  if (error == nullptr || !error->is_object()) return no_reply();
  const auto code = records::value_of(fault_names, text_of(error->get_object(), "code"));
  return Fault{code.value_or(FaultCode::internal), text_of(error->get_object(), "message")};
}

}  // namespace ecrelay::control
