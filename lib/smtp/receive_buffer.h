#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace ecrelay::smtp {

/// Bytes received and not yet used: one block, bounded, and without copies of passwords left
/// behind (what it moves or frees is wiped). An empty buffer can be made small: 10,000 idle
/// sessions hold one each.
class ReceiveBuffer {
 public:
  /// Two reads of 64 KiB: what a command can leave over, and the next read.
  static constexpr std::size_t max_size = 128U << 10;

  ReceiveBuffer() = default;
  ReceiveBuffer(ReceiveBuffer&& other) noexcept;
  ReceiveBuffer& operator=(ReceiveBuffer&& other) noexcept;
  ~ReceiveBuffer() { release(); }

  /// Throws std::length_error when it would hold more than max_size. Invalidates view().
  void append(std::string_view bytes);
  std::string_view view() const { return {block_.get() + begin_, end_ - begin_}; }
  std::size_t size() const { return end_ - begin_; }
  void consume(std::size_t count);
  /// Drops everything and gives the memory back.
  void release();

 private:
  void make_room(std::size_t count);

  std::unique_ptr<char[]> block_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace ecrelay::smtp
