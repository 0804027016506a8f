#pragma once

#include <yaml-cpp/emitter.h>
#include <yaml-cpp/emittermanip.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/difference.h"
#include "config/reading.h"
#include "config/reference.h"
#include "config/scalars.h"

/// The settings as one table for each section. Reading, printing, comparing and the reference walk
/// over the same rows, so none of them can forget a key. The first row of a section names it among
/// others in a list. A value is a scalar (Scalar<T>), a list (std::vector), perhaps absent
/// (std::optional), or a section with a table of its own.
namespace ecrelay::config {

using Entries = std::vector<ReferenceEntry>;
using Differences = std::vector<Difference>;

enum class Need {
  none,       ///< there is a default
  here,       ///< the key must be in the section
  some_file,  ///< there must be one, in the main file or in an included one (checks.cpp)
};

/// A key of the section S.
template <typename S>
struct Field {
  std::string_view key;
  Need need;
  std::string_view text;
  std::string type;
  std::function<void(Reading&, const Node&, S&)> read;
  /// "key: value", or nothing for what is not set.
  std::function<void(YAML::Emitter&, const S&)> print;
  /// Completes and adds the key's entry, then those of the keys inside it.
  std::function<void(Entries&, ReferenceEntry, const S& defaults)> list;
  /// Adds what differs; `path` is that of the section, with its dot.
  std::function<void(Differences&, const std::string& path, const S& before, const S& after)>
      compare;
  /// The value as it stands in a file, on one line.
  std::function<std::string(const S&)> show;
  bool restart = false;  ///< cannot be changed in a running relay
};

/// The rows of section S, in the order in which they are printed. Specialised in schema.cpp.
template <typename S>
const std::vector<Field<S>>& table();

/// What a value of the right type must be beyond that. The check says what is wrong, or "", and
/// may bring the value to its one spelling.
template <typename T>
class Rule {
 public:
  Rule() = default;
  template <typename Check>
  requires std::is_invocable_r_v<std::string, Check, T&> Rule(Check check, std::string range = {})
      : check_(std::move(check)), range_(std::move(range)) {}

  std::string fault(T& value) const { return check_ ? check_(value) : std::string(); }
  /// For the reference: "1s to 1h", or empty.
  const std::string& range() const { return range_; }

 private:
  std::function<std::string(T&)> check_;
  std::string range_;
};

template <typename T>
inline constexpr bool is_list = false;
template <typename T>
inline constexpr bool is_list<std::vector<T>> = true;

template <typename T>
concept SingleValue = requires {
  Scalar<T>::name();
};

template <typename T>
struct WithoutOptional {
  using Type = T;
};
template <typename T>
struct WithoutOptional<std::optional<T>> {
  using Type = T;
};
/// What a member holds when it is there.
template <typename T>
using Held = typename WithoutOptional<T>::Type;

}  // namespace ecrelay::config
