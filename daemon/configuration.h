#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "core/time.h"
#include "dispatch/plan.h"
#include "dkim/signer.h"
#include "intake/site.h"
#include "log/log.h"
#include "records/list_rules.h"
#include "reports/server.h"

namespace ecrelay {

/// All that is made of one configuration file: checked as a whole, ready to be put in force.
struct Configuration {
  std::shared_ptr<const dkim::Signer> signer;
  std::shared_ptr<const intake::Site> site;
  dispatch::Plan plan;
  std::shared_ptr<const reports::Terms> terms;

  const config::Settings& settings() const { return site->settings; }
};

/// What of a configuration in force a new one takes over as far as it is the same: keys,
/// certificates, routes. Empty at a start.
struct Known {
  std::shared_ptr<const dkim::Signer> signer{};
  std::shared_ptr<const intake::Site> site{};
  dispatch::Routes routes{};
  std::shared_ptr<const reports::Terms> terms{};
};

struct ConfigurationOutcome {
  std::optional<Configuration> configuration;  ///< present when there is no error
  std::vector<std::string> errors;             ///< whole lines: "FILE:LINE:COLUMN: error: …"
  std::vector<std::string> warnings;           ///< the same, "warning: …"
};

/// Reads the file, what it includes and what it refers to, and checks everything that can be
/// checked without serving. Any thread; 1 ms a new RSA key.
ConfigurationOutcome read_configuration(const std::filesystem::path& file, TimePoint at,
                                        const Known& known);

/// The settings, alive as long as the site is.
std::shared_ptr<const config::Settings> settings_of(std::shared_ptr<const intake::Site> site);

records::ListRules list_rules(const config::Suppression& from);
log::Options log_options(const config::Settings& settings);

}  // namespace ecrelay
