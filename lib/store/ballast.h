#pragma once

#include <cstdint>
#include <string>

#include "store/files.h"

namespace ecrelay::store {

/// A file without content, whose space is given up when the disk is full: the outcomes of
/// deliveries under way, and the start of a daemon, still find room. That it fits again is how
/// one knows that the trouble is over. One thread.
class Ballast {
 public:
  /// In an open directory; finds a file that an earlier run left. 0 bytes: no file, always held.
  Ballast(int directory, Files& files, std::uint64_t bytes);

  bool held() const { return held_; }
  std::uint64_t bytes() const { return bytes_; }
  /// Makes the file unless it is there. Failure: the disk has no room for it.
  void take();
  /// False: there was nothing to give up.
  bool give_up();

 private:
  int directory_;
  Files& files_;
  std::uint64_t bytes_;
  bool held_;
};

}  // namespace ecrelay::store
