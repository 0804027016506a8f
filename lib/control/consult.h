#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/loader.h"
#include "config/settings.h"
#include "control/answers.h"
#include "control/dns_answers.h"
#include "control/progress.h"
#include "control/wire.h"

namespace ecrelay::control {

inline constexpr const char* standard_config = "/etc/ecrelay/ecrelay.yaml";

/// Where the daemon and its files are.
struct Whereabouts {
  std::filesystem::path config = standard_config;
  bool config_named = false;          ///< by the operator: then no other daemon will do
  std::optional<std::string> socket;  ///< named by the operator
};

struct Consultation {
  Reply reply;
  std::vector<std::string> notes;  ///< for stderr, a line each
  bool daemon_down = false;
};

/// Makes `host explain` from a configuration file, as the daemon would; or what is wrong with it.
using Explainer = std::function<Result<Explain>(const config::Settings& settings)>;

/// What answers without the daemon, beside book and configuration file.
struct Substitutes {
  Explainer explainer;
  Examiner examiner;
  ProgressReport report = {};  ///< hears how far the daemon is with what is slow; may be empty
};

/// Asks the daemon; when it is down, questions are answered from the book and the configuration
/// file directly, with a note that says so. Changes need the daemon (unavailable).
///
/// The socket is the one named, else that of the configuration file. When the standard file
/// cannot be read by this user (it names secrets), the standard socket is tried.
Consultation consult(const Whereabouts& place, const Request& request,
                     const Substitutes& substitutes);

/// Why the book cannot be read, where that can be told: Store and SQLite would say it less
/// plainly.
std::optional<Fault> unreadable(const std::string& book);
/// What is wrong with a configuration file, a line each.
Fault broken_configuration(const config::LoadOutcome& loaded);

}  // namespace ecrelay::control
