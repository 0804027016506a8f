#include "config/node.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <unordered_map>
#include <utility>

#include "core/escape.h"
#include "core/text.h"

namespace ecrelay::config {
namespace {

constexpr std::size_t deepest_level = 32;

/// Finds places: yaml-cpp counts lines and columns from zero, and columns in bytes.
class Source {
 public:
  /// `text` is UTF-8 and outlives this.
  Source(std::string_view text, const std::string& file)
      : lines_(text::split(text, '\n')), file_(std::make_shared<const std::string>(file)) {}

  /// Cheap when marks come in the order of the text, even where all of it is one line.
  Place place(const YAML::Mark& mark) {
    if (mark.is_null()) return Place{file_, 1, 1};
    const auto line = static_cast<std::size_t>(mark.line);
    const auto column = static_cast<std::size_t>(mark.column);
    if (line != line_ || column < bytes_) {
      bytes_ = 0;
      characters_ = 0;
    }
    line_ = line;
    for (; bytes_ < column && line < lines_.size() && bytes_ < lines_[line].size(); ++bytes_) {
      const auto byte = static_cast<unsigned char>(lines_[line][bytes_]);
      characters_ += (byte & 0xC0U) == 0x80U ? 0U : 1U;  // not the middle of a character
    }
    return Place{file_, static_cast<unsigned>(line + 1), characters_ + 1};
  }

 private:
  std::vector<std::string_view> lines_;
  std::shared_ptr<const std::string> file_;
  // How far the last mark was.
  std::size_t line_ = 0;
  std::size_t bytes_ = 0;
  unsigned characters_ = 0;
};

/// Builds the tree from yaml-cpp's events.
class Builder : public YAML::EventHandler {
 public:
  Builder(Source& source, Problems& problems) : source_(source), problems_(problems) {}

  Node take() { return std::move(root_); }
  /// Where the last quoted scalar began.
  const YAML::Mark& last_quoted() const { return last_quoted_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    add(leaf(Node::Kind::nothing, mark), mark);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    problems_.error(source_.place(mark), "aliases are not allowed");
    add(leaf(Node::Kind::broken, mark), mark);
  }
  void OnAnchor(const YAML::Mark& mark, const std::string&) override {
    problems_.error(source_.place(mark), "anchors are not allowed");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    refuse_tag(mark, tag);
    Node node = leaf(Node::Kind::scalar, mark);
    node.text = value;
    node.quoted = tag == "!";
    if (node.quoted) last_quoted_ = mark;
    add(std::move(node), mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::list, mark, tag);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::map, mark, tag);
  }
  void OnMapEnd() override { close(); }

 private:
  /// A list or map that is still open. In a map, keys and values arrive in turn.
  struct Level {
    Node node;
    YAML::Mark mark;
    std::optional<Entry> waiting;  ///< a key whose value comes next
    std::unordered_map<std::string, unsigned> first_lines;
  };

  Node leaf(Node::Kind kind, const YAML::Mark& mark) {
    Node node;
    node.kind = kind;
    node.place = source_.place(mark);
    return node;
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    problems_.error(source_.place(mark), "tags are not allowed");
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag) {
    if (levels_.size() == deepest_level) {
      throw YAML::ParserException(mark, "more than 32 levels deep");
    }
    refuse_tag(mark, tag);
    levels_.push_back(Level{leaf(kind, mark), mark, {}, {}});
  }

  void close() {
    Level level = std::move(levels_.back());
    levels_.pop_back();
    add(std::move(level.node), level.mark);
  }

  void add(Node node, const YAML::Mark& mark) {
    if (levels_.empty()) {
      root_ = std::move(node);
    } else if (Level& level = levels_.back(); level.node.kind == Node::Kind::list) {
      level.node.items.push_back(std::move(node));
    } else if (!level.waiting) {
      level.waiting = key_entry(node, mark);
    } else {
      add_value(level, std::move(node));
    }
  }

  Entry key_entry(const Node& node, const YAML::Mark& mark) {
    if (node.kind == Node::Kind::scalar) return Entry{node.text, node.place, {}};
    if (node.kind != Node::Kind::broken) problems_.error(source_.place(mark), "a key must be text");
    Entry entry{{}, node.place, {}};
    entry.value.kind = Node::Kind::broken;
    return entry;
  }

  void add_value(Level& level, Node value) {
    Entry entry = *std::exchange(level.waiting, std::nullopt);
    if (entry.value.kind == Node::Kind::broken) return;
    // yaml-cpp puts a value that is not there at the next token, lines away.
    if (value.kind == Node::Kind::nothing) value.place = entry.place;
    entry.value = std::move(value);
    const auto [first, fresh] = level.first_lines.emplace(entry.key, entry.place.line);
    if (fresh) {
      level.node.entries.push_back(std::move(entry));
    } else {
      problems_.error(entry.place, "duplicate key '" + printable(entry.key, 64) + "'",
                      "first on line " + std::to_string(first->second));
    }
  }

  Source& source_;
  Problems& problems_;
  Node root_;
  YAML::Mark last_quoted_ = YAML::Mark::null_mark();
  std::vector<Level> levels_;
};

/// yaml-cpp takes the end of the file for the end of a quoted text.
bool quote_is_closed(std::string_view text) {
  const char quote = text.empty() ? '\0' : text.front();
  if (quote != '"' && quote != '\'') return true;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 == text.size() || text[i + 1] != quote) return true;
      ++i;
    }
  }
  return false;
}

Place first_malformed(std::string_view text, const std::string& file) {
  Place place{std::make_shared<const std::string>(file), 1, 1};
  for (const char32_t point : text::code_points(text)) {
    if (point >= text::malformed) break;
    place.column = point == U'\n' ? 1 : place.column + 1;
    if (point == U'\n') ++place.line;
  }
  return place;
}

/// The document, which may still be unacceptable for what `problems` says of it.
std::optional<Node> parse(std::string_view text, Source& source, Problems& problems) {
  std::istringstream stream{std::string(text)};
  YAML::Parser parser(stream);
  Builder builder(source, problems);
  if (!parser.HandleNextDocument(builder)) {
    problems.error(source.place(YAML::Mark::null_mark()), "the file is empty");
    return {};
  }
  const YAML::Mark& quoted = builder.last_quoted();
  if (!quoted.is_null() && !quote_is_closed(text.substr(static_cast<std::size_t>(quoted.pos)))) {
    throw YAML::ParserException(quoted, "the quote is not closed");
  }
  Node root = builder.take();
  if (Builder second(source, problems); parser.HandleNextDocument(second)) {
    problems.error(second.take().place, "a second document; only one is read");
  }
  return root;
}

}  // namespace

std::optional<Node> parse_document(std::string_view text, const std::string& file,
                                   Problems& problems) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.substr(0, byte_order_mark.size()) == byte_order_mark) {
    text.remove_prefix(byte_order_mark.size());
  }
  if (!text::is_utf8(text)) {
    problems.error(first_malformed(text, file), "not UTF-8");
    return {};
  }
  Source source(text, file);
  try {
    return parse(text, source, problems);
  } catch (const YAML::Exception& failure) {
    problems.error(source.place(failure.mark), "not valid YAML: " + printable(failure.msg));
  }
  return {};
}

}  // namespace ecrelay::config
