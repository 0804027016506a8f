#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace ecrelay::records {

/// The words that stand for an enumeration's values in the book and in commands.
template <typename Enum, std::size_t size>
using Names = std::array<std::pair<Enum, std::string_view>, size>;

template <typename Enum, std::size_t size>
constexpr std::string_view name_of(const Names<Enum, size>& names, Enum value) {
  for (const auto& [each, name] : names)
    if (each == value) return name;
  return "";
}

template <typename Enum, std::size_t size>
constexpr std::optional<Enum> value_of(const Names<Enum, size>& names, std::string_view text) {
  for (const auto& [value, name] : names)
    if (name == text) return value;
  return std::nullopt;
}

}  // namespace ecrelay::records
