#include "net/descriptor.h"

#include <poll.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cerrno>

namespace ecrelay::net {

Descriptor::Descriptor(asio::any_io_executor executor, int fd)
    : executor_(executor), handle_(executor, fd), timer_(executor), fd_(fd) {}

Descriptor::~Descriptor() { close(); }

void Descriptor::close() noexcept {
  if (fd_ < 0) return;
  fd_ = -1;
  boost::system::error_code ignored;
  handle_.close(ignored);
  rest();
}

int Descriptor::release() {
  fd_ = -1;
  rest();
  return handle_.release();
}

void Descriptor::rest() {
  deadline_ = no_deadline;
  timer_.cancel();
}

void Descriptor::set_deadline(Deadline at) {
  deadline_ = at;
  if (deadline_ < armed_for_) watch();
}

void Descriptor::watch() {
  armed_for_ = deadline_;
  timer_.expires_at(deadline_);
  timer_.async_wait([weak = weak_from_this(), at = deadline_](const boost::system::error_code&) {
    if (const auto self = weak.lock()) self->expire(at);
  });
}

void Descriptor::expire(Deadline armed_for) {
  if (armed_for != armed_for_) return;  // the timer was set anew meanwhile
  armed_for_ = no_deadline;
  if (deadline_ == no_deadline) return;
  if (std::chrono::steady_clock::now() < deadline_) return watch();
  boost::system::error_code ignored;
  handle_.cancel(ignored);
}

bool Descriptor::late() const {
  return deadline_ != no_deadline && std::chrono::steady_clock::now() >= deadline_;
}

bool Descriptor::is_ready(Until until) const {
  pollfd look{fd_, static_cast<short>(until == Until::readable ? POLLIN : POLLOUT), 0};
  return fd_ >= 0 && poll(&look, 1, 0) > 0;
}

void Descriptor::check(bool stopped) const { check(late(), stopped); }

void Descriptor::check(bool late, bool stopped) const {
  if (fd_ < 0) throw IoError(Trouble::closed, "not open");
  if (late) {
    throw IoError(Trouble::timed_out, "timed out", std::make_error_code(std::errc::timed_out));
  }
  if (stopped) {
    throw IoError(Trouble::stopped, "stopped", std::make_error_code(std::errc::operation_canceled));
  }
}

asio::awaitable<void> Descriptor::ready(Until until, bool stoppable) {
  const auto self = shared_from_this();  // the owner may let go while this waits
  const auto kind = until == Until::readable ? asio::posix::descriptor_base::wait_read
                                             : asio::posix::descriptor_base::wait_write;
  const auto before = co_await asio::this_coro::cancellation_state;
  check(stoppable && before.cancelled() != asio::cancellation_type::none);
  boost::system::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  unwaited_ = 0;
  if (stoppable) {
    co_await handle_.async_wait(kind, token);
  } else {
    auto undisturbed = asio::bind_cancellation_slot(asio::cancellation_slot(), token);
    co_await handle_.async_wait(kind, undisturbed);
  }
  const auto after = co_await asio::this_coro::cancellation_state;
  // A process that was stopped for a while finds the deadline passed and the answer there: it may
  // have come in time, and what an upstream has said yes to must not be sent again.
  const bool too_late = late() && !is_ready(until);
  check(too_late, stoppable && after.cancelled() != asio::cancellation_type::none);
  // Cancelled for a deadline that was moved on in the same instant: the caller simply tries again.
  if (error && error != asio::error::operation_aborted) throw_errno("wait", error.value());
}

asio::awaitable<void> Descriptor::give_way() {
  auto undisturbed = asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable);
  co_await asio::post(executor_, undisturbed);
}

void throw_errno(std::string_view operation, int error) {
  const std::error_code code(error, std::generic_category());
  switch (error) {
    case ECONNRESET:
    case EPIPE:
    case ETIMEDOUT:
    case ECONNABORTED:
    case ENOTCONN:
    case EHOSTUNREACH:
    case ENETUNREACH:
      throw IoError(Trouble::closed, std::string(operation), code);
    default:
      throw IoError(Trouble::system, std::string(operation), code);
  }
}

}  // namespace ecrelay::net
