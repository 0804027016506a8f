// Fills the templates of daemon/man/ and makes the shells' completions, while the tree is built:
// what a program knows of itself is not written down a second time.
//
//   documents man TEMPLATE FILE | bash FILE | zsh FILE
#include <CLI/CLI.hpp>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "command_line.h"
#include "command_tree.h"
#include "config/reference.h"
#include "log/events.h"

namespace {

using namespace ecrelay;

/// Text that troff shows as it is, wherever it stands in a line.
std::string roff(std::string_view text) {
  std::string result = !text.empty() && (text[0] == '.' || text[0] == '\'') ? "\\&" : "";
  for (const char c : text) {
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      result += c;
    }
  }
  return result;
}

std::string bold(std::string_view text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + roff(text) + "\\fR"; }

std::string item(const std::string& tag, std::string_view text) {
  return ".TP\n" + tag + "\n" + roff(text) + "\n";
}

std::string option_item(const CommandOption& option) {
  std::string tag = option.positional() ? italic(option.value) : bold(option.name);
  if (!option.positional() && !option.value.empty()) tag += " " + italic(option.value);
  return item(tag, option.text);
}

std::string invocation(const CommandNode& node) {
  std::string line = bold(node.path);
  for (const CommandOption& option : node.options) {
    const std::string shown = option.positional() ? italic(option.value)
                              : option.value.empty()
                                  ? bold(option.name)
                                  : bold(option.name) + " " + italic(option.value);
    line += option.required ? " " + shown : " [" + shown + "]";
  }
  return line;
}

std::string command_pages(const std::vector<CommandNode>& tree) {
  std::string page;
  for (const CommandNode& node : tree) {
    if (!node.words.empty()) continue;  // a group is the commands in it
    page += ".SS \"" + roff(node.path) + "\"\n" + invocation(node) + "\n.PP\n" + roff(node.text) +
            ".\n";
    for (const CommandOption& option : node.options) page += option_item(option);
  }
  return page;
}

std::string general_options(const std::vector<CommandNode>& tree) {
  std::string page;
  for (const CommandOption& option : tree.front().options) page += option_item(option);
  return page;
}

std::string key_pages() {
  std::string page;
  for (const config::ReferenceEntry& entry : config::reference_entries()) {
    if (entry.path.find_first_of(".[") == std::string::npos)
      page += ".SS \"" + roff(entry.path) + "\"\n";
    page += ".TP\n" + bold(entry.path) + "\n" + roff(entry.text) + "\n.br\n" +
            roff(config::value_line(entry)) + "\n";
  }
  return page;
}

std::string event_pages() {
  std::string page;
  for (const log::EventInfo& row : log::reference()) {
    page += ".TP\n" + bold(row.name) + " (" + std::string(log::to_text(row.level)) + ")\n" +
            roff(row.meaning) + "\n";
    if (!row.fields.empty()) page += ".br\nFields: " + roff(row.fields) + "\n";
  }
  return page;
}

/// The template, its @WORD@ lines replaced by what the programs know.
std::string filled(std::istream& in, const std::vector<CommandNode>& tree) {
  std::string page;
  for (std::string line; std::getline(in, line);) {
    if (line == "@COMMANDS@") {
      page += command_pages(tree);
    } else if (line == "@OPTIONS@") {
      page += general_options(tree);
    } else if (line == "@KEYS@") {
      page += key_pages();
    } else if (line == "@EVENTS@") {
      page += event_pages();
    } else {
      const auto at = line.find("@VERSION@");
      page += at == std::string::npos ? line : line.replace(at, 9, RELAY_VERSION);
      page += '\n';
    }
  }
  return page;
}

}  // namespace

int main(int argc, char** argv) {
  Order order;
  CLI::App app("looks into the mail relay, and acts on it");
  build_commands(app, order);
  const std::vector<CommandNode> tree = command_tree(app);
  const std::string what = argc > 1 ? argv[1] : "";
  std::string text;
  if (what == "bash") text = bash_completion(tree);
  if (what == "zsh") text = zsh_completion(tree);
  if (what == "man" && argc == 4) {
    std::ifstream in(argv[2]);
    text = filled(in, tree);
  }
  if (text.empty() || argc < 3) {
    std::fputs("documents: man TEMPLATE FILE | bash FILE | zsh FILE\n", stderr);
    return 64;
  }
  std::ofstream out(argv[argc - 1]);
  out << text << std::flush;
  return out ? 0 : 73;
}
