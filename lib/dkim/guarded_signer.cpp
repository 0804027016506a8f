#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>
#include <utility>

#include "dkim/signer.h"

namespace ecrelay::dkim {

namespace {

/// Folds, runs of white space, repeated and empty fields, 8-bit text.
constexpr std::string_view odd_head =
    "Received: from app by relay\r\n"
    "FROM :\t=?UTF-8?B?44K3?=\r\n <probe@ecrelay.invalid> \r\n"
    "to:a@ecrelay.invalid\r\nTo: b@ecrelay.invalid,\r\n\t \tc@ecrelay.invalid\r\n"
    "Cc:\r\n"
    "Subject:  \xe6\xb3\xa8\xe6\x96\x87   \xe7\xa2\xba\xe8\xaa\x8d \r\n \r\n"
    "a line that is no field\r\n"
    "List-Unsubscribe: <https://ecrelay.invalid/0123456789012345678901234567890123456789>\r\n";
constexpr std::array<std::string_view, 4> odd_bodies = {
    "", "\r\n\r\n", " lead \t runs  \r\n\t\r\n\r\nlast \r\n\r\n \r\n", "no end \xff"};

/// All of an identity that the layout of a field, or the making of a signature, depends on: with
/// thousands of shops a comparison for each would take the start minutes.
using Shape = std::tuple<Algorithm, unsigned, std::size_t, std::size_t>;

Shape shape_of(const Identity& identity) {
  return Shape(identity.key.algorithm(), identity.key.bits(), identity.domain.size(),
               identity.selector.size());
}

class GuardedSigner final : public Signer {
 public:
  GuardedSigner(std::unique_ptr<Signer> fast, std::unique_ptr<Signer> reference)
      : fast_(std::move(fast)), reference_(std::move(reference)) {}

  Result<std::string> sign(std::string_view head, std::span<const std::string_view> body,
                           std::span<const Identity> identities, TimePoint at) const override {
    const bool trusted = std::all_of(identities.begin(), identities.end(),
                                     [&](const Identity& each) { return trusts(each, at); });
    return (trusted ? fast_ : reference_)->sign(head, body, identities, at);
  }

  bool uses_reference_for(const Identity& identity, TimePoint at) const override {
    return !trusts(identity, at);
  }

 private:
  bool trusts(const Identity& identity, TimePoint at) const {
    const Shape shape = shape_of(identity);
    if (const auto known = verdict(shape)) return *known;
    const bool agreed = agree(identity, at);  // unlocked: others sign meanwhile
    const std::lock_guard lock(mutex_);
    return verdicts_.emplace(shape, agreed).first->second;
  }

  std::optional<bool> verdict(const Shape& shape) const {
    const std::lock_guard lock(mutex_);
    const auto known = verdicts_.find(shape);
    return known == verdicts_.end() ? std::nullopt : std::optional(known->second);
  }

  bool agree(const Identity& identity, TimePoint at) const {
    return std::all_of(odd_bodies.begin(), odd_bodies.end(), [&](std::string_view body) {
      const std::array<std::string_view, 1> pieces = {body};
      const auto field = fast_->sign(odd_head, pieces, std::span(&identity, 1), at);
      const auto expected = reference_->sign(odd_head, pieces, std::span(&identity, 1), at);
      return field && expected && *field == *expected;
    });
  }

  std::unique_ptr<Signer> fast_;
  std::unique_ptr<Signer> reference_;
  mutable std::mutex mutex_;
  mutable std::map<Shape, bool> verdicts_;
};

}  // namespace

std::unique_ptr<Signer> make_guarded_signer(std::unique_ptr<Signer> fast,
                                            std::unique_ptr<Signer> reference) {
  return std::make_unique<GuardedSigner>(std::move(fast), std::move(reference));
}

}  // namespace ecrelay::dkim
