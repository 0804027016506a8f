#pragma once

#include <boost/json/object.hpp>

#include <filesystem>
#include <optional>
#include <string>

#include "control/dns_answers.h"
#include "control/wire.h"
#include "dkim/key.h"

namespace ecrelay::control {

/// What `dkim rotate` is asked for.
struct Rotation {
  std::string domain;
  std::optional<std::string> selector;  ///< else the one that follows
  dkim::Algorithm algorithm = dkim::Algorithm::rsa_sha256;
  std::filesystem::path config;
};

/// Leads a domain from its signing key to a new one; to be given again until it says that all is
/// done, since each call finds out from configuration, key files, book and DNS how far it is:
///     made        the new key's file is written: publish it, add it to the configuration, reload
///     unused      the file is there, and not in the configuration yet
///     pending     in the configuration; signs once DNS has it
///     replaced    signs; the old key stays in DNS for a while
///     finished    the old key may be removed
/// Faults: not_found (the domain), conflict (nobody looks at DNS, or the domain has no key),
/// configuration, cannot_write.
Reply rotate_key(const Rotation& wanted, const Examiner& examiner);

std::string render_rotation(const boost::json::object& result);

}  // namespace ecrelay::control
