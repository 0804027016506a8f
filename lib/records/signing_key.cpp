#include "records/signing_key.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ecrelay::records {
namespace {

constexpr auto states = std::to_array<std::pair<KeyState, std::string_view>>({
    {KeyState::pending, "pending"},
    {KeyState::active, "active"},
    {KeyState::retiring, "retiring"},
    {KeyState::retired, "retired"},
});

}  // namespace

std::string_view text(KeyState state) {
  return std::find_if(states.begin(), states.end(),
                      [&](const auto& each) { return each.first == state; })
      ->second;
}

std::optional<KeyState> parse_key_state(std::string_view text) {
  const auto* found = std::find_if(states.begin(), states.end(),
                                   [&](const auto& each) { return each.second == text; });
  if (found == states.end()) return std::nullopt;
  return found->first;
}

}  // namespace ecrelay::records
