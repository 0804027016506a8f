#include "config/reading.h"

namespace ecrelay::config {
namespace {

/// "networks" of "hosts[0].networks[2]".
std::string key_of(std::string_view path) {
  std::string_view key = path.substr(path.find_last_of('.') + 1);
  return std::string(key.substr(0, key.find('[')));
}

std::string with_key(const std::string& path, const std::string& message) {
  return path.empty() ? message : key_of(path) + ": " + message;
}

/// Without its last key or index; empty at the top.
void shorten(std::string& path) {
  const auto end = path.find_last_of(".[");
  path.erase(end == std::string::npos ? 0 : end);
}

}  // namespace

Reading::Step::Step(Reading& reading, const std::string& piece, const Place& place)
    : reading_(reading), length_before_(reading.path_.size()) {
  if (length_before_ != 0 && !piece.starts_with('[')) reading_.path_ += '.';
  reading_.path_ += piece;
  reading_.places_.insert_or_assign(reading_.path_, place);
  ++reading_.depth_;
}

Reading::Step::~Step() {
  reading_.path_.resize(length_before_);
  --reading_.depth_;
}

void Reading::fail(const Place& place, const std::string& message, std::string hint) {
  count_as_failed();
  problems_.error(place, with_key(path_, message), std::move(hint));
}

void Reading::fail_at(const std::string& path, const std::string& message, std::string hint) {
  problems_.error(place_of(path), with_key(path, message), std::move(hint));
}

void Reading::warn_at(const std::string& path, const std::string& message, std::string hint) {
  problems_.warn(place_of(path), with_key(path, message), std::move(hint));
}

bool Reading::failed(const std::string& path) const {
  const auto first = failed_.lower_bound(path);
  if (first == failed_.end() || !first->starts_with(path)) return false;
  return first->size() == path.size() || (*first)[path.size()] == '.' ||
         (*first)[path.size()] == '[';
}

const Place& Reading::place_of(std::string path) const {
  for (; !path.empty(); shorten(path)) {
    if (const auto found = places_.find(path); found != places_.end()) return found->second;
  }
  return main_;
}

}  // namespace ecrelay::config
