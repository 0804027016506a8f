#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "store/failure.h"

namespace ecrelay::store {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int release() noexcept;

  int number_ = -1;
};

/// The writing side of the file system, as an interface so that tests can count its steps and
/// fail any of them. Every call does its whole work or throws Failure.
class Files {
 public:
  virtual ~Files() = default;

  /// A new file, 0600, in an open directory; fails when the name is taken.
  virtual Descriptor create(int directory, const std::string& name) = 0;
  /// Writes all parts at the end of the file; after a Failure some of them may be there.
  virtual void append(int file, std::initializer_list<std::string_view> parts) = 0;
  /// Makes the file at least so long, and gives it the space on disk.
  virtual void reserve(int file, std::uint64_t length) = 0;
  virtual void truncate(int file, std::uint64_t length) = 0;
  /// Waits until the file's bytes are on disk. A Failure means: what was written since the last
  /// good sync is lost, and trying again proves nothing.
  virtual void sync(int file) = 0;
  /// Waits until names made or removed in the directory are on disk.
  virtual void sync_directory(int directory) = 0;
  virtual void remove(int directory, const std::string& name) = 0;
};

/// The real one.
Files& system_files();

}  // namespace ecrelay::store
