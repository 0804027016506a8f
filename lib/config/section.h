#pragma once

#include <yaml-cpp/emitter.h>
#include <yaml-cpp/emittermanip.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/comparing.h"
#include "config/field.h"
#include "core/escape.h"
#include "core/text.h"

/// The walks over the rows of field.h, and how rows are made.
namespace ecrelay::config {

// ---- reading ----

/// Text that is not a value of type `name`, shown so that it cannot break out of a line.
inline std::string not_a(const std::string& name, std::string_view text) {
  return "'" + printable(text, 64) + "' is not " + name;
}

/// Reports what stands there instead of `wanted`.
inline void fail_type(Reading& reading, const Node& node, const std::string& wanted,
                      std::string hint = {}) {
  constexpr auto kinds =
      std::to_array<const char*>({"nothing", "a single value", "a list", "a map"});
  if (node.kind == Node::Kind::broken) return reading.count_as_failed();
  reading.fail(
      node.place,
      std::string(kinds[static_cast<std::size_t>(node.kind)]) + " where " + wanted + " belongs",
      std::move(hint));
}

/// All read functions are true when `into` has been read whole; else they have said why.
template <SingleValue T>
bool read_scalar(Reading& reading, const Node& node, T& into) {
  if (node.kind != Node::Kind::scalar) {
    fail_type(reading, node, Scalar<T>::name());
    return false;
  }
  Complaint why;
  if (std::any_of(node.text.begin(), node.text.end(), text::is_control)) {
    why.message = "holds a control character";
  } else if (Scalar<T>::parse(Written{node.text, node.quoted, reading.folder()}, into, why)) {
    return true;
  }
  if (why.message.empty()) why.message = not_a(Scalar<T>::name(), node.text);
  reading.fail(node.place, why.message, why.hint);
  return false;
}

template <typename T>
bool read_value(Reading& reading, const Node& node, T& into);

template <typename T>
bool read_list(Reading& reading, const Node& node, std::vector<T>& into) {
  if (node.kind != Node::Kind::list) {
    const bool single = node.kind == Node::Kind::scalar && SingleValue<T>;
    fail_type(reading, node, "a list", single ? "put it in brackets: [VALUE]" : "");
    return false;
  }
  if (!reading.adds_to_lists()) into.clear();
  bool whole = true;
  for (const Node& item : node.items) {
    const Reading::Step step(reading, "[" + std::to_string(into.size()) + "]", item.place);
    whole &= read_value(reading, item, into.emplace_back());
  }
  return whole;
}

/// "*" alone, or ids.
inline bool read_list(Reading& reading, const Node& node, ShopSet& into) {
  if (!read_list(reading, node, into.ids)) return false;
  into.all = into.ids == std::vector<std::string>{"*"};
  if (into.all) into.ids.clear();
  return true;
}

template <typename S>
std::vector<std::string> keys_of() {
  std::vector<std::string> keys;
  for (const Field<S>& field : table<S>()) keys.emplace_back(field.key);
  return keys;
}

template <typename S>
void fail_unknown_key(Reading& reading, const Entry& entry, std::vector<std::string>& meant) {
  const auto near = text::suggestion(entry.key, keys_of<S>());
  if (near) meant.push_back(*near);
  reading.fail(entry.place, "unknown key '" + printable(entry.key, 64) + "'",
               near ? "did you mean '" + *near + "'?" : "");
}

/// Returns the keys that misspelled ones were probably meant to be.
template <typename S>
std::vector<std::string> read_entries(Reading& reading, const Node& node, S& into) {
  std::vector<std::string> meant;
  for (const Entry& entry : node.entries) {
    const auto& fields = table<S>();
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&](const Field<S>& row) { return row.key == entry.key; });
    if (field == fields.end()) {
      fail_unknown_key<S>(reading, entry, meant);
      continue;
    }
    const Reading::Step step(reading, entry.key, entry.value.place);
    field->read(reading, entry.value, into);
  }
  return meant;
}

/// Says nothing of a key that stands there misspelled (`meant`): that has been said.
template <typename S>
bool check_required(Reading& reading, const Node& node, const std::vector<std::string>& meant) {
  bool whole = true;
  for (const Field<S>& field : table<S>()) {
    const auto has = [&](const Entry& entry) { return entry.key == field.key; };
    if (field.need != Need::here || std::any_of(node.entries.begin(), node.entries.end(), has))
      continue;
    whole = false;
    if (std::find(meant.begin(), meant.end(), field.key) != meant.end()) continue;
    reading.fail(node.place, "'" + std::string(field.key) + "' is missing");
  }
  return whole;
}

template <typename S>
bool read_section(Reading& reading, const Node& node, S& into) {
  if (node.kind != Node::Kind::map) {
    fail_type(reading, node, "a map of keys");
    return false;
  }
  const auto meant = read_entries(reading, node, into);
  return check_required<S>(reading, node, meant) && meant.empty();
}

template <typename T>
bool read_value(Reading& reading, const Node& node, T& into) {
  if constexpr (SingleValue<T>) {
    return read_scalar(reading, node, into);
  } else if constexpr (is_list<T> || std::is_same_v<T, ShopSet>) {
    return read_list(reading, node, into);
  } else {
    return read_section(reading, node, into);
  }
}

// ---- printing ----

template <typename T>
void print_value(YAML::Emitter& out, const T& value);

template <typename S>
void print_section(YAML::Emitter& out, const S& section) {
  out << YAML::BeginMap;
  for (const Field<S>& field : table<S>()) field.print(out, section);
  out << YAML::EndMap;
}

template <typename T>
void print_list(YAML::Emitter& out, const std::vector<T>& list) {
  out << (SingleValue<T> || list.empty() ? YAML::Flow : YAML::Block) << YAML::BeginSeq;
  for (const T& item : list) print_value(out, item);
  out << YAML::EndSeq;
}

template <typename T>
void print_value(YAML::Emitter& out, const T& value) {
  if constexpr (std::is_same_v<T, ShopSet>) {
    print_list(out, value.all ? std::vector<std::string>{"*"} : value.ids);
  } else if constexpr (is_list<T>) {
    print_list(out, value);
  } else if constexpr (SingleValue<T>) {
    if constexpr (std::is_same_v<T, Money>) out << YAML::DoubleQuoted;
    out << Scalar<T>::write(value);
  } else {
    print_section(out, value);
  }
}

// ---- the reference ----

template <typename T>
std::string type_name() {
  if constexpr (SingleValue<T>) {
    return Scalar<T>::name();
  } else if constexpr (std::is_same_v<T, ShopSet>) {
    return "list of shop ids, or [\"*\"] for all";
  } else if constexpr (is_list<T>) {
    using Item = typename T::value_type;
    return SingleValue<Item> ? "list: " + type_name<Item>() : "list of sections";
  } else {
    return "section";
  }
}

/// `defaults` is the section as it is when the file has none of its keys.
template <typename S>
void list_section(Entries& entries, const std::string& path, const S& defaults) {
  for (const Field<S>& field : table<S>()) {
    ReferenceEntry entry;
    entry.path = path.empty() ? std::string(field.key) : path + "." + std::string(field.key);
    entry.text = field.text;
    if (field.restart) entry.text += " (changed by a restart only)";
    entry.type = field.type;
    field.list(entries, std::move(entry), defaults);
  }
}

/// Sections have no default of their own: their keys have.
template <typename T>
std::string default_text(const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    if (value.empty()) return "none";
  }
  if constexpr (SingleValue<T> || is_list<T> || std::is_same_v<T, ShopSet>) {
    YAML::Emitter out;
    out << YAML::Flow;
    print_value(out, value);
    return out.c_str();
  } else {
    return {};
  }
}

/// The keys inside a value of type T.
template <typename T>
void list_inside(Entries& entries, const std::string& path, const T& defaults) {
  if constexpr (is_list<T>) {
    using Item = typename T::value_type;
    if constexpr (!SingleValue<Item>) list_section(entries, path + "[]", Item{});
  } else if constexpr (!SingleValue<T> && !std::is_same_v<T, ShopSet>) {
    list_section(entries, path, defaults);
  }
}

// ---- rows ----

template <typename S, typename T>
void read_member(Reading& reading, const Node& node, T S::*member, S& into,
                 const Rule<Held<T>>& rule) {
  Held<T> value{};
  Held<T>* held = &value;
  if constexpr (std::is_same_v<T, Held<T>>) held = &(into.*member);
  if (read_value(reading, node, *held)) {
    const std::string fault = rule.fault(*held);
    if (!fault.empty()) reading.fail(node.place, fault);
  }
  if constexpr (!std::is_same_v<T, Held<T>>) into.*member = std::move(value);
}

template <typename T>
void print_member(YAML::Emitter& out, std::string_view key, const T& value) {
  if constexpr (std::is_same_v<T, Held<T>>) {
    out << YAML::Key << std::string(key) << YAML::Value;
    print_value(out, value);
  } else if (value) {
    print_member(out, key, *value);
  }
}

template <typename T>
void list_member(Entries& entries, ReferenceEntry entry, Need need, const T& defaults) {
  constexpr bool always_there = std::is_same_v<T, Held<T>>;
  const std::string path = entry.path;
  entry.default_value = "none";
  if constexpr (always_there) entry.default_value = default_text(defaults);
  if (need != Need::none) entry.default_value = "required";
  entries.push_back(std::move(entry));
  if constexpr (always_there) {
    list_inside(entries, path, defaults);
  } else {
    list_inside(entries, path, Held<T>{});
  }
}

template <typename S, typename T>
Field<S> row(std::string_view name, Need need, T S::*member, std::string_view text,
             Rule<Held<T>> rule) {
  Field<S> field{name, need, text, type_name<Held<T>>(), {}, {}, {}, {}, {}};
  if (!rule.range().empty()) field.type += ", " + rule.range();
  field.read = [member, rule = std::move(rule)](Reading& reading, const Node& node, S& into) {
    read_member(reading, node, member, into, rule);
  };
  field.print = [name, member](YAML::Emitter& out, const S& section) {
    print_member(out, name, section.*member);
  };
  field.list = [member, need](Entries& entries, ReferenceEntry entry, const S& defaults) {
    list_member(entries, std::move(entry), need, defaults.*member);
  };
  field.compare = [name, member](Differences& found, const std::string& path, const S& before,
                                 const S& after) {
    compare_member(found, path + std::string(name), before.*member, after.*member);
  };
  field.show = [member](const S& section) { return shown(section.*member); };
  return field;
}

/// A key that may be absent: then the member keeps its default, or stays empty where it is a
/// std::optional.
template <typename S, typename T>
Field<S> key(std::string_view name, T S::*member, std::string_view text,
             std::type_identity_t<Rule<Held<T>>> rule = {}) {
  return row(name, Need::none, member, text, std::move(rule));
}

template <typename S, typename T>
Field<S> required(std::string_view name, T S::*member, std::string_view text,
                  std::type_identity_t<Rule<Held<T>>> rule = {}) {
  return row(name, Need::here, member, text, std::move(rule));
}

/// The key can be changed by a restart only.
template <typename S>
Field<S> by_restart(Field<S> field) {
  field.restart = true;
  return field;
}

template <typename S, typename T>
Field<S> required_in_some_file(std::string_view name, T S::*member, std::string_view text) {
  return row(name, Need::some_file, member, text, Rule<Held<T>>());
}

}  // namespace ecrelay::config
