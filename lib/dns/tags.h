#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace ecrelay::dns {

/// "v=DKIM1; k=rsa; p=…" (RFC 6376 3.2): names and values without white space around them.
class Tags {
 public:
  /// Errors (invalid): no name, no "=", a name twice.
  static Result<Tags> parse(std::string_view record);

  /// Nullptr when the tag is not there.
  const std::string* find(std::string_view name) const;
  /// The first tag's name; "" of an empty list.
  std::string_view first() const { return tags_.empty() ? "" : std::string_view(tags_[0].name); }

 private:
  struct Tag {
    std::string name;
    std::string value;
  };
  std::vector<Tag> tags_;
};

/// Does the record claim to be what begins so: "v=DKIM1"? White space and case do not count.
bool begins_with_version(std::string_view record, std::string_view version);

}  // namespace ecrelay::dns
