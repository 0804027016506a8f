#pragma once

#include <string>
#include <utility>
#include <variant>

namespace ecrelay {

/// What kind of "no" an Error is; callers branch on it, people read Error::detail.
enum class ErrorCode {
  invalid,      ///< the input cannot be what it claims to be
  not_found,    ///< nothing of that name
  conflict,     ///< it exists already, or its state does not allow this
  refused,      ///< understood, and not permitted
  unavailable,  ///< might work later: a peer, a disk, a budget
};

/// A failure as a value. `detail` is for the log and for operators, never for a peer: it may
/// hold paths, addresses and texts from outside (unescaped).
struct Error {
  ErrorCode code;
  std::string detail;
};

inline Error invalid(std::string detail) { return Error{ErrorCode::invalid, std::move(detail)}; }
inline Error not_found(std::string detail) {
  return Error{ErrorCode::not_found, std::move(detail)};
}
inline Error conflict(std::string detail) { return Error{ErrorCode::conflict, std::move(detail)}; }
inline Error refused(std::string detail) { return Error{ErrorCode::refused, std::move(detail)}; }
inline Error unavailable(std::string detail) {
  return Error{ErrorCode::unavailable, std::move(detail)};
}

/// A value, or why there is none; the caller must look. For decisions the caller takes; what
/// nobody at hand can mend is an exception (a failing disk, a broken book).
/// Reading the side that is not there throws std::bad_variant_access.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : outcome_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : outcome_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return outcome_.index() == 0; }
  T& value() & { return std::get<0>(outcome_); }
  const T& value() const& { return std::get<0>(outcome_); }
  T&& value() && { return std::get<0>(std::move(outcome_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const { return std::get<1>(outcome_); }

 private:
  std::variant<T, Error> outcome_;
};

/// Done, or why not.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : outcome_(std::move(error)) {}

  explicit operator bool() const { return outcome_.index() == 0; }
  const Error& error() const { return std::get<Error>(outcome_); }

 private:
  std::variant<std::monostate, Error> outcome_;
};

}  // namespace ecrelay
