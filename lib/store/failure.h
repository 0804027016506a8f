#pragma once

#include <stdexcept>
#include <string>

namespace ecrelay::store {

/// The disk or the book does not work, and nobody at hand can mend it: a full disk, an I/O error,
/// a damaged file, a second instance. what() is for operators: it names the file and the cause.
class Failure : public std::runtime_error {
 public:
  explicit Failure(const std::string& what) : std::runtime_error(what) {}
};

/// The disk takes no more: it is full, or cannot be written. What was tried has not happened, and
/// will not after a restart either; it may be tried again.
class Unwritten : public Failure {
 public:
  using Failure::Failure;
};

/// A statement that the book's own rules refuse (a constraint or a trigger): it is the one
/// change that is wrong, not the book.
class Refused : public Failure {
 public:
  using Failure::Failure;
};

/// "WHAT: No space left on device" for the current errno.
Failure system_failure(const std::string& what);

}  // namespace ecrelay::store
