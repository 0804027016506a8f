#pragma once

#include <boost/json/object.hpp>

#include <filesystem>
#include <string>
#include <variant>

#include "control/wire.h"
#include "core/result.h"
#include "dkim/key.h"

namespace ecrelay::control {

/// What `dkim new` is asked for.
struct NewKey {
  std::string domain;
  std::string selector;
  dkim::Algorithm algorithm = dkim::Algorithm::rsa_sha256;
  std::filesystem::path config;  ///< the key goes into `keys/` beside it
};

/// Makes a key and writes it, synced, to keys/DOMAIN.SELECTOR.pem: mode 0600, and for root owned
/// by the owner of the folder (the daemon refuses keys of others). A file that exists is never
/// touched. Names the file, the YAML to add and the record to publish. Faults: invalid (domain,
/// selector), cannot_write.
Reply make_key(const NewKey& wanted);

/// The name of a key's file below `keys/`.
std::string key_file_name(const std::string& domain, const std::string& selector);
/// A key from its file. Errors: invalid, unavailable.
Result<dkim::Key> read_key(const std::filesystem::path& file);

std::string render_new_key(const boost::json::object& result);

}  // namespace ecrelay::control
