#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "config/node.h"

namespace ecrelay::config {

/// One load in progress: where in the settings we are ("shops[2].domains[0].name"), where in the
/// files each setting stands, and what is wrong so far. Settings themselves carry no positions;
/// checks between settings ask here by path.
class Reading {
 public:
  /// `folder` is absolute; `main` is the position of the main file as a whole.
  Reading(std::filesystem::path folder, Place main, Problems& problems)
      : folder_(std::move(folder)), main_(std::move(main)), problems_(problems) {}

  const std::filesystem::path& folder() const { return folder_; }
  const Place& main() const { return main_; }
  Problems& problems() { return problems_; }

  /// Lists at the top of an included file add to what is there; everywhere else a list in the
  /// file takes the place of the default.
  bool adds_to_lists() const { return in_included_file_ && depth_ == 1; }
  void set_in_included_file(bool included) { in_included_file_ = included; }

  /// Inside a key or a list's element for as long as it lives.
  class Step {
   public:
    Step(Reading& reading, const std::string& piece, const Place& place);
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;
    ~Step();

   private:
    Reading& reading_;
    std::size_t length_before_;
  };

  /// An error at the current setting, worded "KEY: MESSAGE"; the setting counts as failed.
  void fail(const Place& place, const std::string& message, std::string hint = {});
  /// The current setting has failed, and the error has been reported.
  void count_as_failed() { failed_.insert(path_); }
  /// An error or a warning at the setting `path`, or at the nearest one around it that the file
  /// has.
  void fail_at(const std::string& path, const std::string& message, std::string hint = {});
  void warn_at(const std::string& path, const std::string& message, std::string hint = {});

  /// True when the setting or something inside it could not be read: a check of it would only
  /// repeat that.
  bool failed(const std::string& path) const;
  const Place& place_of(std::string path) const;

 private:
  std::filesystem::path folder_;
  Place main_;
  Problems& problems_;
  bool in_included_file_ = false;
  unsigned depth_ = 0;
  std::string path_;
  std::map<std::string, Place, std::less<>> places_;
  std::set<std::string, std::less<>> failed_;
};

}  // namespace ecrelay::config
