#include <array>

#include "core/text.h"
#include "mail/parts.h"

namespace ecrelay::mail {
namespace {

struct Entity {
  std::string_view name;
  std::string_view text;
};

constexpr auto entities = std::to_array<Entity>({{"&lt;", "<"},
                                                 {"&gt;", ">"},
                                                 {"&amp;", "&"},
                                                 {"&quot;", "\""},
                                                 {"&nbsp;", " "},
                                                 {"&#39;", "'"},
                                                 {"&apos;", "'"},
                                                 {"&#64;", "@"}});

/// Elements behind which a new line begins.
bool is_block(std::string_view tag) {
  constexpr std::array<std::string_view, 16> blocks = {"br", "br/", "p",    "/p",  "/div", "div",
                                                       "tr", "/tr", "li",   "/li", "h1",   "h2",
                                                       "h3", "pre", "/pre", "hr"};
  for (const std::string_view block : blocks) {
    if (text::iequals(tag, block)) return true;
  }
  return false;
}

/// Cells of a row stand apart, as on the screen.
bool is_cell(std::string_view tag) { return text::iequals(tag, "td") || text::iequals(tag, "th"); }

}  // namespace

std::string text_of_html(std::string_view html) {
  std::string result;
  for (std::size_t at = 0; at < html.size();) {
    if (html[at] == '<') {
      const auto end = html.find('>', at);
      const auto inside = html.substr(at + 1, end == std::string_view::npos ? 0 : end - at - 1);
      const auto tag = inside.substr(0, inside.find_first_of(" \t\n"));
      if (is_block(tag)) result += '\n';
      if (is_cell(tag)) result += ' ';
      at = end == std::string_view::npos ? html.size() : end + 1;
      if (!text::iequals(tag, "style") && !text::iequals(tag, "script")) continue;
      const auto close = html.find("</", at);
      at = close == std::string_view::npos ? html.size() : close;
      continue;
    }
    const auto* entity = html[at] == '&' ? entities.begin() : entities.end();
    while (entity != entities.end() && !html.substr(at).starts_with(entity->name)) ++entity;
    if (entity == entities.end()) {
      result += html[at++];
    } else {
      result += entity->text;
      at += entity->name.size();
    }
  }
  return result;
}

}  // namespace ecrelay::mail
