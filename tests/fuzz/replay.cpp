#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "target.h"

/// Runs a target over the files it is given, folders with all that is below them. A broken promise
/// or a sanitizer ends the run with the name of the file; so does a corpus without a file.
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_below(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string content(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

}  // namespace

int main(int count, char** arguments) {
  std::size_t files = 0;
  run("");
  for (int i = 1; i < count; ++i) {
    if (!fs::exists(arguments[i])) continue;  // the shared corpus is not everywhere
    for (const fs::path& file : files_below(arguments[i])) {
      std::fprintf(stderr, "%s\n", file.c_str());
      run(content(file));
      ++files;
    }
  }
  std::printf("%zu inputs\n", files);
  return files == 0 ? 1 : 0;
}
