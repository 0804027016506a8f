#pragma once

#include <cstddef>
#include <utility>

namespace ecrelay::intake {

/// The bytes that bodies on their way in may hold in memory together (limits.memory). Network
/// thread only.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::size_t limit) : limit_(limit) {}

  std::size_t used() const { return used_; }
  std::size_t limit() const { return limit_; }
  /// A message may still be begun: a tenth is kept for those that have begun.
  bool admits_another() const { return used_ < limit_ - limit_ / 10; }
  /// What is held beyond it stays until it is given back.
  void set_limit(std::size_t limit) { limit_ = limit; }

  /// Its share of the budget; gives back what it holds when it goes.
  class Share {
   public:
    explicit Share(MemoryBudget& budget) : budget_(&budget) {}
    Share(Share&& other) noexcept : budget_(other.budget_), held_(std::exchange(other.held_, 0)) {}
    Share& operator=(Share&&) = delete;
    ~Share() { release(); }

    /// Takes `bytes` more; false, and nothing taken, when the budget does not allow it.
    bool take(std::size_t bytes) {
      if (budget_->limit_ < budget_->used_ + bytes) return false;
      budget_->used_ += bytes;
      held_ += bytes;
      return true;
    }
    void release() { budget_->used_ -= std::exchange(held_, 0); }

   private:
    MemoryBudget* budget_;
    std::size_t held_ = 0;
  };

 private:
  std::size_t limit_;
  std::size_t used_ = 0;
};

}  // namespace ecrelay::intake
