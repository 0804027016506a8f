#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"

namespace ecrelay::control {

/// Reads the arguments of a request by name. What is wrong is collected and told at once by
/// problem(), which also names what nobody asked for: ask for everything first, then look.
///
///     Arguments given(request.arguments);
///     const auto shop = given.text("shop");
///     const auto limit = given.count("limit", 100, 10'000);
///     if (auto wrong = given.problem()) return *wrong;
class Arguments {
 public:
  explicit Arguments(const boost::json::object& given) : given_(given) {}

  /// Nothing when it is not given (or null).
  std::optional<std::string> text(std::string name);
  /// As text(), but must be there and not empty.
  std::string required(std::string name);
  /// A list of texts; empty when it is not given.
  std::vector<std::string> texts(std::string name);
  /// From 0 to `most`; `standard` when it is not given.
  std::size_t count(std::string name, std::size_t standard, std::size_t most);
  bool flag(std::string name);
  /// A complaint of the caller's own.
  void wrong(std::string what);

  std::optional<Error> problem() const;

 private:
  const boost::json::value* find(std::string name);

  const boost::json::object& given_;
  std::vector<std::string> known_;
  std::vector<std::string> wrong_;
};

}  // namespace ecrelay::control
