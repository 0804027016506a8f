#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "config/reading.h"

namespace ecrelay::config {

/// "hosts[3]".
std::string at(const std::string& list, std::size_t index);
/// A name from the file in quotes, fit to be shown.
std::string shown(std::string_view name);

/// Names that may be taken once. An empty name is one that could not be read.
class Names {
 public:
  Names(Reading& reading, std::string what) : reading_(reading), what_(std::move(what)) {}

  void take(const std::string& name, const std::string& path);

 private:
  Reading& reading_;
  std::string what_;
  std::map<std::string, std::string> paths_;
};

/// The names that references may use.
class Known {
 public:
  explicit Known(std::string what) : what_(std::move(what)) {}

  void add(const std::string& name);
  /// An error at `path` when there is no such name. Silent where a name could not be read: it
  /// may be the one that is meant.
  void refer(Reading& reading, const std::string& path, const std::string& name) const;

 private:
  std::string what_;
  bool complete_ = true;
  std::set<std::string> names_;
};

}  // namespace ecrelay::config
