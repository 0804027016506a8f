#include "dkim/signature_field.h"

#include <algorithm>
#include <array>

namespace ecrelay::dkim {

namespace {

constexpr std::size_t margin = 75;

/// The layout of libopendkim's dkim_getsighdr_d().
class Folder {
 public:
  Folder() : column_(signature_name.size() + 2) {}

  /// `forced`: on a new line in any case.
  void add(std::string_view tag, bool forced) {
    if (text_.empty()) return put(tag);
    if (!forced && column_ + tag.size() <= margin) {
      put(" ");
      return put(tag);
    }
    text_ += "\r\n\t";
    column_ = 8;
    const std::string_view name = tag.substr(0, tag.find('='));
    if (name == "h") return add_names(tag);
    if (name == "b" || name == "bh") return add_base64(tag, name.size() + 1);
    put(tag);
  }

  std::string take() { return std::move(text_); }

 private:
  void put(std::string_view text) {
    text_ += text;
    column_ += text.size();
  }

  void new_line() {
    text_ += "\r\n\t ";
    column_ = 9;
  }

  void add_names(std::string_view tag) {
    for (bool first = true; !tag.empty(); first = false) {
      const std::string_view name = tag.substr(0, tag.find(':'));
      const bool full = column_ + name.size() + 1 > margin;
      if (!first) put(":");
      if (!first && full) new_line();
      put(name);
      tag.remove_prefix(std::min(tag.size(), name.size() + 1));
    }
  }

  void add_base64(std::string_view tag, std::size_t prefix) {
    put(tag.substr(0, prefix));
    for (tag.remove_prefix(prefix); !tag.empty();) {
      if (column_ == margin) new_line();
      const std::string_view part = tag.substr(0, margin - column_);
      put(part);
      tag.remove_prefix(part.size());
    }
  }

  std::string text_;
  std::size_t column_;
};

std::string joined(std::span<const std::string_view> names) {
  std::string list;
  for (const std::string_view name : names) {
    if (!list.empty()) list += ':';
    list += name;
  }
  return list;
}

}  // namespace

std::string SignatureField::value(std::string_view signature) const {
  const std::array<std::string, 8> tags = {"v=1;",
                                           "a=" + std::string(name(identity.key.algorithm())) + ";",
                                           "c=relaxed/relaxed;",
                                           "d=" + identity.domain + ";",
                                           "s=" + identity.selector + ";",
                                           "t=" + std::to_string(time) + ";",
                                           "bh=" + body_hash + ";",
                                           "h=" + joined(names) + ";"};
  Folder folder;
  for (const std::string& tag : tags) folder.add(tag, false);
  // Every RSA signature is longer than a line, so libopendkim begins a new one before it knows it.
  folder.add("b=" + std::string(signature), identity.key.algorithm() == Algorithm::rsa_sha256);
  return folder.take();
}

}  // namespace ecrelay::dkim
