#pragma once

#include <string>
#include <system_error>

namespace ecrelay::net {

/// Why an operation on a connection could not be done.
enum class Trouble {
  timed_out,  ///< the deadline set with set_deadline() passed
  stopped,    ///< the task was told to stop (TaskGroup::request_stop)
  closed,     ///< the peer is gone: reset, broken pipe, TLS cut off without close_notify
  tls,        ///< the handshake or the TLS protocol failed; what() has OpenSSL's reason
  system,     ///< anything else the kernel said
};

/// What every operation of this module throws when it fails (end of stream is no failure: it is a
/// read of 0 bytes). A std::system_error, so it can be caught as one; a TCP-level ETIMEDOUT is
/// `closed`, so `timed_out` always means our own deadline.
class IoError : public std::system_error {
 public:
  IoError(Trouble trouble, const std::string& what,
          std::error_code code = std::make_error_code(std::errc::io_error))
      : std::system_error(code, what), trouble_(trouble) {}

  Trouble trouble() const { return trouble_; }
  bool timed_out() const { return trouble_ == Trouble::timed_out; }
  bool stopped() const { return trouble_ == Trouble::stopped; }

 private:
  Trouble trouble_;
};

}  // namespace ecrelay::net
