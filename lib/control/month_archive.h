#pragma once

#include "control/changes.h"

namespace ecrelay::control {

/// month.archive (slow): moves the charges of a closed month out of the book into a file of their
/// own, once that file has given the very bytes with which the month was closed. Given again for a
/// month that is archived, it removes what an interruption has left of it in the book.
Result<Change> plan_archive(const Question& question, const Caller& caller);

/// In hexadecimal digits. Reads the file once.
Result<std::string> sha256_of_file(const std::string& path);

}  // namespace ecrelay::control
