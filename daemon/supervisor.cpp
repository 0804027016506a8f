#include "supervisor.h"

#include <fcntl.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include <cstdint>
#include <stdexcept>
#include <vector>

namespace ecrelay::supervisor {
namespace {

void say(const std::string& message) { sd_notify(0, message.c_str()); }

std::int64_t monotonic_microseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

/// Programs that this one starts have no business with it.
void keep_to_ourselves(int socket) {
  if (fcntl(socket, F_SETFD, FD_CLOEXEC) != 0)
    throw std::runtime_error("descriptor " + std::to_string(socket) +
                             " was to be a listening socket (--listen-fds) and is not open");
}

}  // namespace

void ready() { say("READY=1"); }

void reloading() { say("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_microseconds())); }

void stopping() { say("STOPPING=1"); }

void status(const std::string& text) { say("STATUS=" + text); }

std::optional<std::chrono::microseconds> watchdog_interval() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

void alive() { say("WATCHDOG=1"); }

net::InheritedSockets sockets(int count) {
  const int activated = sd_listen_fds(1);
  std::vector<int> all;
  for (int i = 0; i < (count > 0 ? count : activated); ++i) {
    all.push_back(SD_LISTEN_FDS_START + i);
    keep_to_ourselves(all.back());
  }
  return net::InheritedSockets(all);
}

}  // namespace ecrelay::supervisor
