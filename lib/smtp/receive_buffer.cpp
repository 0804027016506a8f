#include "smtp/receive_buffer.h"

#include <string.h>

#include <stdexcept>
#include <utility>

namespace ecrelay::smtp {
namespace {

constexpr std::size_t block_unit = 2048;  // holds an ordinary command; small for the idle

}  // namespace

ReceiveBuffer::ReceiveBuffer(ReceiveBuffer&& other) noexcept
    : block_(std::move(other.block_)),
      capacity_(std::exchange(other.capacity_, 0)),
      begin_(std::exchange(other.begin_, 0)),
      end_(std::exchange(other.end_, 0)) {}

ReceiveBuffer& ReceiveBuffer::operator=(ReceiveBuffer&& other) noexcept {
  release();
  block_ = std::move(other.block_);
  capacity_ = std::exchange(other.capacity_, 0);
  begin_ = std::exchange(other.begin_, 0);
  end_ = std::exchange(other.end_, 0);
  return *this;
}

void ReceiveBuffer::append(std::string_view bytes) {
  if (bytes.empty()) return;
  if (size() + bytes.size() > max_size) throw std::length_error("smtp receive buffer is full");
  if (capacity_ - end_ < bytes.size()) make_room(bytes.size());
  memcpy(block_.get() + end_, bytes.data(), bytes.size());
  end_ += bytes.size();
}

void ReceiveBuffer::make_room(std::size_t count) {
  const std::size_t held = size();
  if (held + count <= capacity_) {
    memmove(block_.get(), block_.get() + begin_, held);
    explicit_bzero(block_.get() + held, end_ - held);
  } else {
    const std::size_t capacity = (held + count + block_unit - 1) / block_unit * block_unit;
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    if (held > 0) memcpy(larger.get(), block_.get() + begin_, held);
    release();
    block_ = std::move(larger);
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = held;
}

void ReceiveBuffer::consume(std::size_t count) {
  begin_ += count;
  if (begin_ == end_) begin_ = end_ = 0;
}

void ReceiveBuffer::release() {
  if (block_) explicit_bzero(block_.get(), capacity_);
  block_.reset();
  capacity_ = begin_ = end_ = 0;
}

}  // namespace ecrelay::smtp
