#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "log/log.h"

namespace ecrelay::log {

/// While it lives, events become lines in memory: for tests that ask what was told.
class Capture {
 public:
  explicit Capture(const Options& options = {});
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  std::vector<std::string> lines() const;

 private:
  class Memory;
  std::shared_ptr<Memory> memory_;
};

}  // namespace ecrelay::log
