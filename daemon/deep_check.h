#pragma once

#include <string>
#include <vector>

#include "configuration.h"

namespace ecrelay {

/// One thing that was tried, and what came of it.
struct Examined {
  enum class Verdict { ok, warning, error };
  Verdict verdict = Verdict::ok;
  std::string text;
};

/// `--check-config --deep`: what no file can tell. Certificates that end soon, room where the state
/// is kept, listeners that somebody else holds, each server of each upstream by TLS and AUTH
/// without mail, and what shops have published. Changes nothing; takes as long as the slowest of
/// them.
std::vector<Examined> check_deep(const Configuration& configuration);

}  // namespace ecrelay
