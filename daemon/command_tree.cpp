#include "command_tree.h"

#include <CLI/CLI.hpp>

#include "core/text.h"

namespace ecrelay {
namespace {

/// CLI11 knows the values of a set only as a text: "TEXT:{utf-8,cp932}".
std::vector<std::string> choices_in(const std::string& type) {
  const auto from = type.find('{');
  const auto to = type.rfind('}');
  std::vector<std::string> choices;
  if (from == std::string::npos || to == std::string::npos) return choices;
  for (const auto each : text::split(std::string_view(type).substr(from + 1, to - from - 1), ','))
    choices.emplace_back(each);
  return choices;
}

std::string value_name(const std::string& option) {
  const auto word = option.find_first_not_of('-');
  std::string value = text::uppered(std::string_view(option).substr(word));
  for (char& c : value)
    if (c == '-') c = '_';
  return value;
}

CommandOption option_of(const CLI::Option& from) {
  CommandOption option;
  if (from.get_positional()) {
    option.value = value_name(from.get_name(true));
  } else {
    option.name = "--" + from.get_lnames().front();
    if (from.get_items_expected_max() > 0) option.value = value_name(option.name);
  }
  option.text = from.get_description();
  option.required = from.get_required();
  option.choices = choices_in(from.get_type_name());
  return option;
}

void add_node(std::vector<CommandNode>& tree, const CLI::App& app, const std::string& parent) {
  CommandNode node;
  node.path = parent.empty() ? app.get_name() : parent + " " + app.get_name();
  node.text = app.get_description();
  for (const CLI::Option* each : app.get_options()) {
    if (each != app.get_help_ptr() && !each->get_group().empty())
      node.options.push_back(option_of(*each));
  }
  const auto below = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* each : below) node.words.push_back(each->get_name());
  const std::string path = node.path;
  tree.push_back(std::move(node));
  for (const CLI::App* each : below) add_node(tree, *each, path);
}

std::string shell_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

/// Those of the program may follow every command.
std::vector<CommandOption> all_options(const CommandNode& node, const CommandNode& program) {
  std::vector<CommandOption> options = node.options;
  if (node.path != program.path)
    options.insert(options.end(), program.options.begin(), program.options.end());
  return options;
}

std::string bash_words(const CommandNode& node, const CommandNode& program) {
  std::string words;
  for (const std::string& word : node.words) words += word + " ";
  for (const CommandOption& option : all_options(node, program))
    if (!option.positional()) words += option.name + " ";
  return words + "--help";
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// The lines of one command in the tables of the bash script.
std::string bash_rows(const CommandNode& node, const CommandNode& program) {
  std::string rows =
      "  words[" + shell_quoted(node.path) + "]=" + shell_quoted(bash_words(node, program)) + "\n";
  for (const CommandOption& option : all_options(node, program)) {
    if (option.positional() || option.value.empty()) continue;
    rows += "  values[" + shell_quoted(node.path + " " + option.name) +
            "]=" + shell_quoted(joined(option.choices)) + "\n";
  }
  return rows;
}

constexpr const char* bash_end = R"(
  local place=ecrelayctl word skip= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $skip ]]; then
      skip=
    elif [[ $word == -* ]]; then
      [[ -z ${values["$place $word"]+has} ]] || skip=yes
    elif [[ ${words["$place $word"]+has} ]]; then
      place="$place $word"
    fi
  done

  local current=${COMP_WORDS[COMP_CWORD]} candidates=${words["$place"]}
  [[ -z $skip ]] || candidates=${values["$place $word"]}
  COMPREPLY=($(compgen -W "$candidates" -- "$current"))
  # What is no command, no option and no known value may be a file.
  [[ ${COMPREPLY[*]-} || $current == -* ]] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -o filenames -F _ecrelayctl ecrelayctl
)";

std::string zsh_candidate(const std::string& word, const std::string& text) {
  std::string meaning;
  for (const char c : text) meaning += c == ':' ? std::string("\\:") : std::string(1, c);
  return " " + shell_quoted(word + ":" + meaning);
}

std::string text_of(const std::vector<CommandNode>& tree, const std::string& path) {
  for (const CommandNode& node : tree)
    if (node.path == path) return node.text;
  return {};
}

/// What may follow this command, each with its meaning.
std::string zsh_case(const CommandNode& node, const std::vector<CommandNode>& tree) {
  std::string candidates;
  for (const std::string& word : node.words)
    candidates += zsh_candidate(word, text_of(tree, node.path + " " + word));
  for (const CommandOption& option : all_options(node, tree.front()))
    if (!option.positional()) candidates += zsh_candidate(option.name, option.text);
  return "    " + shell_quoted(node.path) + ") candidates=(" + candidates + " ) ;;\n";
}

/// Which options take a value, and the values that are known.
std::string zsh_values(const CommandNode& node, const CommandNode& program) {
  std::string rows;
  for (const CommandOption& option : all_options(node, program)) {
    if (!option.positional() && !option.value.empty())
      rows += "    " + shell_quoted(node.path + " " + option.name) + " " +
              shell_quoted(joined(option.choices)) + "\n";
  }
  return rows;
}

constexpr const char* zsh_walk = R"(
  for word in ${words[2,CURRENT-1]}; do
    if [[ -n $skip ]]; then
      skip=
    elif [[ $word == -* ]]; then
      (( ${+values[$place $word]} )) && skip=yes
    elif (( ${+commands_known[$place $word]} )); then
      place="$place $word"
    fi
  done
  if [[ -n $skip ]]; then
    candidates=(${=values[$place $word]})
    if (( $#candidates )); then _describe value candidates; else _files; fi
    return
  fi
  case $place in
)";

constexpr const char* zsh_end = R"(  esac
  _describe command candidates || _files
}
_ecrelayctl "$@"
)";

}  // namespace

std::vector<CommandNode> command_tree(const CLI::App& app) {
  std::vector<CommandNode> tree;
  add_node(tree, app, "");
  return tree;
}

std::string bash_completion(const std::vector<CommandNode>& tree) {
  std::string script =
      "# bash completion for ecrelayctl(1), made from its command tree.\n"
      "_ecrelayctl() {\n  local -A words=() values=()\n";
  for (const CommandNode& node : tree) script += bash_rows(node, tree.front());
  return script + bash_end;
}

std::string zsh_completion(const std::vector<CommandNode>& tree) {
  std::string known;
  std::string values;
  std::string cases;
  for (const CommandNode& node : tree) {
    known += " " + shell_quoted(node.path) + " 1";
    values += zsh_values(node, tree.front());
    cases += zsh_case(node, tree);
  }
  return "#compdef ecrelayctl\n# zsh completion for ecrelayctl(1), made from its command tree.\n"
         "_ecrelayctl() {\n  local place=ecrelayctl word skip=\n  local -a candidates\n"
         "  local -A commands_known=(" +
         known + " )\n  local -A values=(\n" + values + "  )\n" + zsh_walk + cases + zsh_end;
}

}  // namespace ecrelay
