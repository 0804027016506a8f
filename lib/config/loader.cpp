#include "config/loader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <system_error>

#include "config/checks.h"
#include "config/file.h"
#include "config/includes.h"
#include "config/reading.h"
#include "config/schema.h"
#include "core/escape.h"

namespace ecrelay::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_file = 1ULL << 20;
constexpr std::size_t largest_sum = 64ULL << 20;
constexpr std::size_t most_files = 10'000;

fs::path folder_of(const fs::path& file) {
  std::error_code failure;  // no working folder: then a relative path cannot be opened either
  return fs::absolute(file, failure).parent_path().lexically_normal();
}

/// One name for a file, by whatever path it is reached.
fs::path identity(const fs::path& file) {
  std::error_code failure;
  return fs::canonical(file, failure);
}

bool is_writable_by_all(const struct stat& status) { return (status.st_mode & S_IWOTH) != 0; }

/// One load from beginning to end.
class Load {
 public:
  explicit Load(const fs::path& path)
      : path_(path),
        problems_(path.string()),
        reading_(folder_of(path), Place{std::make_shared<const std::string>(path.string()), 1, 1},
                 problems_) {}

  LoadOutcome run() {
    read_main();
    LoadOutcome outcome;
    outcome.errors = problems_.of(Severity::error);
    outcome.warnings = problems_.of(Severity::warning);
    if (outcome.errors.empty()) outcome.settings = std::move(settings_);
    return outcome;
  }

 private:
  /// A file that is to be included, and the place of the pattern that found it.
  struct Inclusion {
    fs::path relative;
    std::string pattern_path;  ///< "include[0]"
  };

  void read_main() {
    auto file = read_file(path_, largest_file);
    if (!file) return problems_.error(reading_.main(), "cannot read: " + file.error().detail);
    if (is_writable_by_all(file->status)) {
      problems_.error(reading_.main(), "everybody may write to this file", "chmod o-w");
    }
    main_status_ = file->status;
    readable_by_all_ = (file->status.st_mode & S_IROTH) != 0;
    const auto root = parse_document(file->text, path_.string(), problems_);
    if (!root) return;
    read_main_file(reading_, *root, settings_);
    if (root->kind != Node::Kind::map) return;
    read_includes();
    complete();
    check(settings_, reading_);
    warn_of_readable_hashes();
  }

  void read_includes() {
    if (reading_.failed("include")) return;
    reading_.set_in_included_file(true);
    for (const Inclusion& inclusion : inclusions()) {
      if (sum_ > largest_sum) {
        reading_.fail_at("include", "more than 64 MiB in all");
        break;
      }
      read_included(inclusion);
    }
    reading_.set_in_included_file(false);
  }

  /// Each file once, and never the main file, whatever the patterns match.
  std::vector<Inclusion> inclusions() {
    std::vector<Inclusion> all;
    std::set<fs::path> seen = {identity(path_)};
    for (std::size_t i = 0; i < settings_.include.size(); ++i) {
      const std::string place = at("include", i);
      const auto matches = find_included(settings_.include[i], reading_.folder());
      if (!matches) {
        reading_.fail_at(place, matches.error().detail);
        continue;
      }
      for (const fs::path& match : *matches) {
        const bool fresh = seen.insert(identity(reading_.folder() / match)).second;
        if (fresh) all.push_back(Inclusion{match, place});
      }
    }
    if (all.size() > most_files) {
      reading_.fail_at("include", "more than 10,000 files");
      all.clear();
    }
    return all;
  }

  void read_included(const Inclusion& inclusion) {
    const std::string shown = (path_.parent_path() / inclusion.relative).string();
    const auto file = read_file(reading_.folder() / inclusion.relative, largest_file);
    if (!file) {
      return reading_.fail_at(inclusion.pattern_path,
                              printable(shown, 256) + ": " + file.error().detail);
    }
    if (const std::string fault = distrust(file->status); !fault.empty()) {
      return reading_.fail_at(inclusion.pattern_path, printable(shown, 256) + " " + fault);
    }
    sum_ += file->text.size();
    readable_by_all_ |= (file->status.st_mode & S_IROTH) != 0;
    auto root = parse_document(file->text, shown, problems_);
    if (!root) return;
    refuse_other_keys(*root);
    read_included_file(reading_, *root, settings_);
  }

  /// An operator names the main file; what a pattern finds must come from the same hands.
  std::string distrust(const struct stat& status) const {
    if (is_writable_by_all(status)) return "may be written by everybody";
    const uid_t owner = status.st_uid;
    if (owner == 0 || owner == geteuid() || owner == main_status_.st_uid) return {};
    return "belongs to another user (uid " + std::to_string(owner) + ")";
  }

  /// Takes keys of the main file out of an included one; unknown ones stay and are reported.
  void refuse_other_keys(Node& root) {
    constexpr auto allowed = std::to_array<std::string_view>({"hosts", "shops", "upstreams"});
    const auto keys = top_keys();
    std::erase_if(root.entries, [&](const Entry& entry) {
      const bool known = std::find(keys.begin(), keys.end(), entry.key) != keys.end();
      if (!known || std::find(allowed.begin(), allowed.end(), entry.key) != allowed.end()) {
        return false;
      }
      problems_.error(entry.place, "'" + entry.key + "' belongs into the main file",
                      "an included file may hold hosts, shops and upstreams");
      return true;
    });
  }

  /// What the file leaves to be derived from other settings.
  void complete() {
    const std::string& hostname = settings_.hostname;
    if (settings_.node.empty()) settings_.node = hostname.substr(0, hostname.find('.'));
    for (Shop& shop : settings_.shops) {
      if (shop.name.empty()) shop.name = shop.id;
    }
  }

  void warn_of_readable_hashes() {
    const auto inline_hash = [](const User& user) { return user.password.reference == "crypt:"; };
    for (std::size_t i = 0; readable_by_all_ && i < settings_.shops.size(); ++i) {
      const auto& users = settings_.shops[i].users;
      if (std::none_of(users.begin(), users.end(), inline_hash)) continue;
      return reading_.warn_at(at("shops", i) + ".users",
                              "everybody on this machine can read these password hashes",
                              "chmod o-r");
    }
  }

  fs::path path_;
  Problems problems_;
  Reading reading_;
  Settings settings_;
  struct stat main_status_ {};
  bool readable_by_all_ = false;  ///< one of the files
  std::size_t sum_ = 0;           ///< bytes of included files
};

}  // namespace

LoadOutcome load(const fs::path& path) { return Load(path).run(); }

}  // namespace ecrelay::config
