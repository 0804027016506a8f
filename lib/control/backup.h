#pragma once

#include <boost/json/object.hpp>

#include <filesystem>
#include <string>

#include "control/wire.h"

namespace ecrelay::control {

/// Copies the book and the live spool that `config` names into `folder` (store/backup.h), beside a
/// running daemon or without one. By whoever may read the state: root, and the relay's own user.
/// Faults: configuration, cannot_write.
Reply back_up(const std::filesystem::path& config, const std::string& folder);

std::string render_backup(const boost::json::object& result);

}  // namespace ecrelay::control
