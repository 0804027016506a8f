#include "control/fields.h"

#include <boost/json/serialize.hpp>

#include "core/escape.h"

namespace ecrelay::control {

namespace json = boost::json;

std::string field(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  if (found == nullptr || found->is_null()) return {};
  if (const json::string* text = found->if_string()) return std::string(*text);
  if (found->is_double()) {
    const std::string text = std::to_string(found->get_double());
    return text.substr(0, text.find('.') + 3);
  }
  return json::serialize(*found);
}

std::string shown(const json::object& object, std::string_view name) {
  return printable(field(object, name));
}

std::string time_field(const json::object& object, std::string_view name) {
  std::string text = shown(object, name);
  if (text.empty()) return "-";
  if (const auto dot = text.find('.'); dot != std::string::npos) text.erase(dot, 4);
  return text;
}

bool truth(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  return found != nullptr && found->is_bool() && found->get_bool();
}

const json::object& part(const json::object& object, std::string_view name) {
  static const json::value nothing;
  const json::value* found = object.if_contains(name);
  return object_of(found == nullptr ? nothing : *found);
}

const json::array& list(const json::object& object, std::string_view name) {
  static const json::array empty;
  const json::value* found = object.if_contains(name);
  return found != nullptr && found->is_array() ? found->get_array() : empty;
}

const json::object& object_of(const json::value& element) {
  static const json::object empty;
  return element.is_object() ? element.get_object() : empty;
}

}  // namespace ecrelay::control
