#pragma once

#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/field.h"
#include "core/escape.h"

/// What differs between two sections, over the rows of their table. Part of section.h.
namespace ecrelay::config {

template <typename T>
void print_value(YAML::Emitter& out, const T& value);

/// A value on one line, as it stands in a file.
template <typename T>
std::string shown(const T& value) {
  YAML::Emitter out;
  out << YAML::Flow;
  print_value(out, value);
  return printable(out.c_str(), 200);
}

template <typename T>
std::string shown(const std::optional<T>& value) {
  return value ? shown(*value) : "none";
}

/// What a reference leads to, or nothing where the value says it all.
inline const std::string* content(const SecretText& secret) { return &secret.value.reveal(); }
inline const std::string* content(const PasswordHash& secret) { return &secret.hash.reveal(); }
inline const std::string* content(const Certificate& certificate) { return &certificate.pem; }
template <typename T>
const std::string* content(const T&) {
  return nullptr;
}

template <typename T>
void compare_value(Differences& found, const std::string& path, const T& before, const T& after);

template <typename S>
void compare_section(Differences& found, const std::string& path, const S& before, const S& after) {
  for (const Field<S>& field : table<S>()) {
    const std::size_t known = found.size();
    field.compare(found, path, before, after);
    for (std::size_t i = known; i < found.size(); ++i) found[i].restart |= field.restart;
  }
}

template <SingleValue T>
void compare_single(Differences& found, const std::string& path, const T& before, const T& after) {
  std::string old = shown(before);
  std::string fresh = shown(after);
  if (old == fresh) {
    const std::string* hidden = content(before);
    if (hidden == nullptr || *hidden == *content(after)) return;
    fresh += " (other content)";
  }
  found.push_back({path, Difference::Kind::changed, std::move(old), std::move(fresh)});
}

/// Entries by name; those of one name by their order.
template <typename T>
std::map<std::string, const T*> by_name(const std::vector<T>& list) {
  std::map<std::string, const T*> named;
  for (const T& entry : list) {
    const std::string name = table<T>().front().show(entry);
    std::string unique = name;
    for (int number = 2; !named.emplace(unique, &entry).second; ++number)
      unique = name + "#" + std::to_string(number);
  }
  return named;
}

template <typename T>
void compare_entries(Differences& found, const std::string& path, const std::vector<T>& before,
                     const std::vector<T>& after) {
  const auto old = by_name(before);
  const auto fresh = by_name(after);
  const auto place = [&](const std::string& name) { return path + "[" + name + "]"; };
  for (const auto& [name, entry] : old) {
    const auto other = fresh.find(name);
    if (other == fresh.end())
      found.push_back({place(name), Difference::Kind::removed, {}, {}});
    else
      compare_section(found, place(name) + ".", *entry, *other->second);
  }
  for (const auto& [name, entry] : fresh)
    if (!old.contains(name)) found.push_back({place(name), Difference::Kind::added, {}, {}});
}

template <typename T>
inline constexpr bool is_entries = false;
template <typename T>
inline constexpr bool is_entries<std::vector<T>> = !SingleValue<T>;

template <typename T>
void compare_value(Differences& found, const std::string& path, const T& before, const T& after) {
  if constexpr (SingleValue<T>) {
    compare_single(found, path, before, after);
  } else if constexpr (is_entries<T>) {
    compare_entries(found, path, before, after);
  } else if constexpr (is_list<T> || std::is_same_v<T, ShopSet>) {
    std::string old = shown(before);
    std::string fresh = shown(after);
    if (old != fresh)
      found.push_back({path, Difference::Kind::changed, std::move(old), std::move(fresh)});
  } else {
    compare_section(found, path + ".", before, after);
  }
}

template <typename T>
void compare_member(Differences& found, const std::string& path, const T& before, const T& after) {
  if constexpr (std::is_same_v<T, Held<T>>) {
    compare_value(found, path, before, after);
  } else if (before && after) {
    compare_value(found, path, *before, *after);
  } else if (before || after) {
    constexpr bool whole = SingleValue<Held<T>>;
    if (whole)
      found.push_back({path, Difference::Kind::changed, shown(before), shown(after)});
    else
      found.push_back({path, after ? Difference::Kind::added : Difference::Kind::removed, {}, {}});
  }
}

}  // namespace ecrelay::config
