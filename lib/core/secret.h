#pragma once

#include <string.h>

#include <string>
#include <utility>

namespace ecrelay {

/// A password or key text: wiped when it goes, never printed by accident (no stream operator, no
/// implicit conversion). Moving leaves an empty secret behind.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) { wipe(text); }
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { wipe(other.text_); }
  Secret& operator=(Secret other) noexcept {
    text_.swap(other.text_);
    return *this;
  }
  ~Secret() { wipe(text_); }

  /// The text itself; the name says at the place of use that a secret is read.
  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  static void wipe(std::string& text) noexcept {
    // The small buffer of a moved-from string still holds the text: wipe the capacity.
    explicit_bzero(text.data(), text.capacity());
    text.clear();
  }

  std::string text_;
};

}  // namespace ecrelay
