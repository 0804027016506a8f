#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "records/signing_key.h"

/// The life of the DKIM keys of one domain. A key signs once DNS has it; one that comes later
/// replaces those of its algorithm, which stay in DNS for mail that is under way.
namespace ecrelay::dns {

using records::SigningKey;
using Keys = std::vector<SigningKey>;

/// A key as the configuration has it.
struct ConfiguredKey {
  std::string selector;
  std::string algorithm;
  std::string record;
};

/// How keys that nobody knows yet begin.
enum class Beginning { signing, waiting };

/// The keys that are known, brought up to the configuration. New ones begin as `first` says where
/// no other key of the domain signs; beside one that signs they always wait. A key that was taken
/// out of the configuration while it signed retires until `keep`; where that leaves none that
/// signs, a retiring one of the configuration signs again.
Keys adopted(const Keys& known, std::string_view domain,
             const std::vector<ConfiguredKey>& configured, Beginning first, TimePoint now,
             TimePoint keep);

/// DNS has the key: it signs from now on, and what it replaces retires until `keep`. Unchanged
/// when it does not wait.
Keys published(Keys keys, std::string_view selector, TimePoint now, TimePoint keep);

/// Those whose time is over have retired.
Keys aged(Keys keys, TimePoint now);

}  // namespace ecrelay::dns
