#include "log/capture.h"

namespace ecrelay::log {

class Capture::Memory final : public Sink {
 public:
  void write(std::string_view line) override {
    const std::lock_guard guard(mutex_);
    lines_.emplace_back(line);
  }
  std::vector<std::string> lines() const {
    const std::lock_guard guard(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

Capture::Capture(const Options& options) : memory_(std::make_shared<Memory>()) {
  start(options, memory_);
}

Capture::~Capture() { stop(); }

std::vector<std::string> Capture::lines() const { return memory_->lines(); }

}  // namespace ecrelay::log
