#pragma once

#include <cstddef>
#include <utility>

#include "net/timer.h"

namespace ecrelay::dispatch {

/// The part of limits.memory that holds bodies on their way out: those kept since they were
/// accepted, and those read back from the spool. All upstreams share it. Network thread only; it
/// outlives its shares.
class BodyMemory {
 public:
  /// What a body holds of it; given back when it goes.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept
        : memory_(std::exchange(other.memory_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(memory_, other.memory_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Share() {
      if (memory_ != nullptr) memory_->give_back(bytes_);
    }

    explicit operator bool() const { return memory_ != nullptr; }

   private:
    friend class BodyMemory;
    Share(BodyMemory& memory, std::size_t bytes) : memory_(&memory), bytes_(bytes) {}

    BodyMemory* memory_ = nullptr;
    std::size_t bytes_ = 0;
  };

  BodyMemory(asio::any_io_executor executor, std::size_t limit)
      : limit_(limit), freed_(std::move(executor)) {}

  std::size_t used() const { return used_; }
  void set_limit(std::size_t limit) { limit_ = limit; }

  /// For a body that is there and may as well be read back later: it leaves a quarter to those that
  /// have to be. False: there is no room.
  [[nodiscard]] Share keep(std::size_t bytes) { return take(bytes, limit_ - limit_ / 4); }
  /// For a body to be read back. `alone`: its upstream has no other in hand, and must get on even
  /// if the others hold everything.
  [[nodiscard]] Share fetch(std::size_t bytes, bool alone) {
    return take(bytes, alone ? used_ + bytes : limit_);
  }
  /// Wakes all who wait for room.
  net::Event& freed() { return freed_; }

 private:
  Share take(std::size_t bytes, std::size_t limit) {
    if (used_ + bytes > limit) return Share();
    used_ += bytes;
    return Share(*this, bytes);
  }
  void give_back(std::size_t bytes) {
    used_ -= bytes;
    freed_.notify_all();
  }

  std::size_t limit_;
  std::size_t used_ = 0;
  net::Event freed_;
};

}  // namespace ecrelay::dispatch
