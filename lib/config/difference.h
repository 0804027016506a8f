#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace ecrelay::config {

/// One setting in which two configurations differ. Values are as they stand in a file; secrets are
/// their references, and what is behind one that changed is said to be other content.
struct Difference {
  enum class Kind { changed, added, removed };

  std::string path;  ///< "shops[shop-a].limits.messages_per_day": entries by their names
  Kind kind = Kind::changed;
  std::string before;    ///< of a change
  std::string after;     ///< of a change
  bool restart = false;  ///< a running relay cannot take it over

  std::string_view word() const;  ///< "changed", "added", "removed"
  /// "PATH: BEFORE -> AFTER", "PATH: added", "PATH: removed".
  std::string text() const;
};

/// In the order of the settings. An entry that only one has is one difference, whatever is in it;
/// the order of entries that have names is none.
std::vector<Difference> differences(const Settings& before, const Settings& after);

/// Equal in every key, and in what is behind every secret.
bool same(const Upstream& one, const Upstream& other);

}  // namespace ecrelay::config
