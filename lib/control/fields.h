#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <string>
#include <string_view>

/// Reads answers to show them. Whatever is missing or of another kind is empty: the daemon may be
/// of another version than the tool.
namespace ecrelay::control {

/// A text as it is (unescaped), a number or truth in words; "" for null.
std::string field(const boost::json::object& object, std::string_view name);
/// field(), escaped for the terminal.
std::string shown(const boost::json::object& object, std::string_view name);
/// A time without its milliseconds; "-" when there is none.
std::string time_field(const boost::json::object& object, std::string_view name);
bool truth(const boost::json::object& object, std::string_view name);
const boost::json::object& part(const boost::json::object& object, std::string_view name);
const boost::json::array& list(const boost::json::object& object, std::string_view name);
/// The element as an object, or an empty one.
const boost::json::object& object_of(const boost::json::value& element);

}  // namespace ecrelay::control
