#include "dns/key_life.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace ecrelay::dns {
namespace {

using records::KeyState;

void enter(SigningKey& key, KeyState state, TimePoint now,
           std::optional<TimePoint> until = std::nullopt) {
  key.state = state;
  key.since = now;
  key.until = until;
}

const SigningKey* find(const Keys& keys, const ConfiguredKey& wanted) {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const SigningKey& key) {
    return key.selector == wanted.selector && key.record == wanted.record;
  });
  return found == keys.end() ? nullptr : &*found;
}

bool has(const Keys& keys, KeyState state) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](const SigningKey& key) { return key.state == state; });
}

SigningKey made(std::string_view domain, const ConfiguredKey& from) {
  SigningKey key;
  key.domain = domain;
  key.selector = from.selector;
  key.algorithm = from.algorithm;
  key.record = from.record;
  return key;
}

/// What the configuration no longer has: of a key that signed it is remembered that DNS needs it,
/// and later that its selector was in use. One that got another key is in DNS no more.
void add_left_over(Keys& keys, const Keys& known, const std::vector<ConfiguredKey>& configured,
                   TimePoint now, TimePoint keep) {
  for (SigningKey key : known) {
    const bool reused = std::any_of(configured.begin(), configured.end(), [&](const auto& each) {
      return each.selector == key.selector;
    });
    if (reused || key.state == KeyState::pending) continue;
    if (key.state == KeyState::active) enter(key, KeyState::retiring, now, keep);
    keys.push_back(std::move(key));
  }
}

}  // namespace

Keys adopted(const Keys& known, std::string_view domain,
             const std::vector<ConfiguredKey>& configured, Beginning first, TimePoint now,
             TimePoint keep) {
  Keys keys;
  for (const ConfiguredKey& each : configured) {
    if (const SigningKey* old = find(known, each)) keys.push_back(*old);
  }
  if (!has(keys, KeyState::active)) {
    for (SigningKey& key : keys) {
      if (key.state == KeyState::retiring) enter(key, KeyState::active, now);
    }
  }
  const bool signs = has(keys, KeyState::active);
  const bool wait = signs || first == Beginning::waiting;
  for (const ConfiguredKey& each : configured) {
    if (find(keys, each) != nullptr) continue;
    keys.push_back(made(domain, each));
    enter(keys.back(), wait ? KeyState::pending : KeyState::active, now);
  }
  add_left_over(keys, known, configured, now, keep);
  return keys;
}

Keys published(Keys keys, std::string_view selector, TimePoint now, TimePoint keep) {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const SigningKey& key) {
    return key.selector == selector && key.state == KeyState::pending;
  });
  if (found == keys.end()) return keys;
  for (SigningKey& key : keys) {
    if (key.state == KeyState::active && key.algorithm == found->algorithm) {
      enter(key, KeyState::retiring, now, keep);
    }
  }
  enter(*found, KeyState::active, now);
  return keys;
}

Keys aged(Keys keys, TimePoint now) {
  for (SigningKey& key : keys) {
    if (key.state == KeyState::retiring && key.until && *key.until <= now) {
      enter(key, KeyState::retired, now);
    }
  }
  return keys;
}

}  // namespace ecrelay::dns
