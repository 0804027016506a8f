#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

/// The tree of ecrelayctl's commands as plain values, and what is made of it: one source for the
/// man page and the completions of the shells.
namespace ecrelay {

struct CommandOption {
  std::string name;   ///< "--shop"; empty for an argument without a name
  std::string value;  ///< "SHOP"; empty for a flag
  std::string text;
  bool required = false;
  std::vector<std::string> choices;  ///< the only values there are; empty: any

  bool positional() const { return name.empty(); }
};

struct CommandNode {
  std::string path;  ///< "ecrelayctl queue list"
  std::string text;
  std::vector<CommandOption> options;  ///< its own, without --help
  std::vector<std::string> words;      ///< the commands below it
};

/// The program itself, then every command, parents first.
std::vector<CommandNode> command_tree(const CLI::App& app);

/// Scripts that complete commands, options and the values that are known.
std::string bash_completion(const std::vector<CommandNode>& tree);
std::string zsh_completion(const std::vector<CommandNode>& tree);

}  // namespace ecrelay
