#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"

namespace ecrelay::config {

/// A position in a file; copies share the file's name.
struct Place {
  std::shared_ptr<const std::string> file;
  unsigned line = 1;
  unsigned column = 1;
};

/// Collects what is wrong, in any order: the first 1,000 errors and as many warnings, so that a
/// hostile file cannot fill the memory with complaints.
class Problems {
 public:
  explicit Problems(std::string main_file) : files_{std::move(main_file)} {}

  void error(const Place& place, std::string message, std::string hint = {});
  void warn(const Place& place, std::string message, std::string hint = {});

  /// The main file's first, then by file, line and column.
  std::vector<Problem> of(Severity severity) const;

 private:
  void add(Severity severity, const Place& place, std::string message, std::string hint);

  struct Found {
    std::size_t file;  ///< index into files_
    Problem problem;
  };

  std::vector<std::string> files_;
  std::vector<Found> errors_;
  std::vector<Found> warnings_;
};

struct Entry;

/// What stands at one position of a YAML file. Own type instead of YAML::Node, which hides
/// aliases and says nothing about duplicate keys.
struct Node {
  enum class Kind {
    nothing,  ///< no value, or null
    scalar,
    list,
    map,
    broken,  ///< an error has been reported here; say nothing more about it
  };

  Kind kind = Kind::nothing;
  Place place;
  std::string text;     ///< of a scalar
  bool quoted = false;  ///< "0.1" or '0.1' or a block, not 0.1
  std::vector<Node> items;
  std::vector<Entry> entries;  ///< in the file's order, each key once
};

struct Entry {
  std::string key;
  Place place;
  Node value;
};

/// The one document in `text`, which is at most 1 MiB. Reports to `problems` what is not
/// well-formed YAML or not allowed here (anchors, aliases, tags, a second document, duplicate
/// keys, more than 32 levels); nothing comes back where it could not be read to its end.
std::optional<Node> parse_document(std::string_view text, const std::string& file,
                                   Problems& problems);

}  // namespace ecrelay::config
