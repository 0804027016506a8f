#pragma once

#include <string>

namespace ecrelay::config {

enum class Severity { error, warning };

/// Something about a configuration file, at a position. Never holds a secret.
struct Problem {
  Severity severity = Severity::error;
  std::string file;     ///< as the operator named it; an included one beside it
  unsigned line = 1;    ///< from 1
  unsigned column = 1;  ///< from 1, in characters
  std::string message;
  std::string hint;  ///< empty, or what to do: "did you mean 'hostname'?"

  /// One line: `FILE:LINE:COLUMN: error: MESSAGE; HINT`. Safe for a terminal whatever the file
  /// holds.
  std::string text() const;
};

}  // namespace ecrelay::config
