#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "net/inherited.h"

/// What the relay says to whoever supervises it (systemd's notifications), and what it is handed.
/// Without a supervisor nothing is said, and nothing handed.
namespace ecrelay::supervisor {

void ready();
/// Until ready() is said again.
void reloading();
void stopping();
/// One line for `systemctl status`.
void status(const std::string& text);
/// To be said at least this often, when there is an answer: systemd's WatchdogSec.
std::optional<std::chrono::microseconds> watchdog_interval();
void alive();

/// The listening sockets that systemd activates the process with, or with a `count`, those that any
/// other supervisor opened as descriptors 3, 4, … Throws std::runtime_error where there are less.
net::InheritedSockets sockets(int count);

}  // namespace ecrelay::supervisor
