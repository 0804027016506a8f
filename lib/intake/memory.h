#pragma once

#include <cstddef>
#include <functional>
#include <utility>

namespace ecrelay::intake {

/// The bytes that messages on their way in may hold in memory together (limits.memory). Who finds
/// it used up waits for others to be done, and one of those who wait may use what is kept in
/// reserve: so somebody always gets to the end, however many have begun. Network thread only.
class MemoryBudget {
 public:
  /// `reserve`: for the one that goes on when nothing else is left; room for the largest message.
  /// `freed` is called when there may be room for somebody who waits.
  explicit MemoryBudget(
      std::size_t limit, std::size_t reserve = 0, std::function<void()> freed = [] {})
      : limit_(limit), reserve_(reserve), freed_(std::move(freed)) {}

  std::size_t used() const { return used_; }
  std::size_t limit() const { return limit_; }
  /// A message may still be begun: a tenth is kept for those that have begun.
  bool admits_another() const { return used_ < limit_ - limit_ / 10; }
  /// Who takes more now takes all that it may come to need: what many have begun and none can end
  /// serves nobody.
  bool is_scarce() const { return used_ > limit_ / 2; }
  std::size_t reserve() const { return reserve_; }
  /// What is held beyond it stays until it is given back.
  void set_limit(std::size_t limit, std::size_t reserve = 0) {
    limit_ = limit;
    reserve_ = reserve;
  }

  /// Its share of the budget; gives back what it holds when it goes.
  class Share {
   public:
    explicit Share(MemoryBudget& budget) : budget_(&budget) {}
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() { release(); }

    std::size_t held() const { return held_; }
    /// Takes `bytes` more; false, and nothing taken, when the budget does not allow it now.
    bool take(std::size_t bytes) {
      if (!budget_->has_room(bytes, *this)) return false;
      budget_->used_ += bytes;
      held_ += bytes;
      return true;
    }
    /// As take(), for what cannot be asked for beforehand: counted even where there is no room.
    void count(std::size_t bytes) {
      budget_->used_ += bytes;
      held_ += bytes;
    }
    void release() {
      if (budget_->favoured_ == this) budget_->favoured_ = nullptr;
      if (held_ == 0) return;
      budget_->used_ -= std::exchange(held_, 0);
      budget_->freed_();
    }

   private:
    MemoryBudget* budget_;
    std::size_t held_ = 0;
  };

 private:
  bool has_room(std::size_t bytes, const Share& share) {
    if (used_ + bytes + reserve_ <= limit_) return true;
    if (used_ + bytes > limit_ || (favoured_ != nullptr && favoured_ != &share)) return false;
    favoured_ = &share;
    return true;
  }

  std::size_t limit_;
  std::size_t reserve_;
  std::function<void()> freed_;
  std::size_t used_ = 0;
  const Share* favoured_ = nullptr;
};

}  // namespace ecrelay::intake
