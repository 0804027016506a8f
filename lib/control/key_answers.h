#pragma once

#include "control/answers.h"

namespace ecrelay::control {

/// dkim.list: the keys of the configuration, how far each is in its life, and those that are
/// gone from it and that DNS still needs.
Answer list_keys(const Question& question);

}  // namespace ecrelay::control
