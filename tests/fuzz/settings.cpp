#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "config/loader.h"
#include "target.h"

/// The YAML file: settings, or errors that say where; never both, never neither.
namespace {

using ecrelay::fuzz::require;

/// A folder of this process, gone with it.
struct Folder {
  Folder() {
    char name[] = "/tmp/ecrelay-fuzz-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() {
    std::error_code ignored;  // nothing is left to do with it
    std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path path;
};

void check(const ecrelay::config::LoadOutcome& outcome) {
  require(outcome.settings.has_value() == outcome.errors.empty(), "settings or errors");
  require(outcome.errors.size() <= 1000, "at most a thousand errors");
  for (const auto& problem : outcome.errors) {
    require(problem.line >= 1 && problem.column >= 1, "an error has its place");
    require(problem.text().find('\n') == std::string::npos, "an error is one line");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder;
  const std::filesystem::path file = folder.path / "ecrelay.yaml";
  std::ofstream(file, std::ios::binary) << ecrelay::fuzz::text_of(data, size);
  chmod(file.c_str(), 0600);
  check(ecrelay::config::load(file));
  return 0;
}
