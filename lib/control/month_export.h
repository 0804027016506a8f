#pragma once

#include <boost/json/object.hpp>

#include <filesystem>
#include <string>

#include "control/consult.h"
#include "control/examination.h"
#include "control/wire.h"

/// What ecrelayctl does with whole months by itself, beside the daemon or without one: it reads
/// the book, so it needs to be root or the relay's user, and the files belong to who asked.
namespace ecrelay::control {

struct MonthOrder {
  std::filesystem::path config = standard_config;
  std::string month;
  std::filesystem::path folder;  ///< for the files; made when missing
  finance::Format format;
};

/// `month export`: writes the month's files and, last, its manifest, each under another name until
/// it is whole and synced. Of a closed month the bytes are the same for ever; an open month's
/// files say so in the manifest. Result: month, state, folder, files, replaced.
Reply export_month(const MonthOrder& order, const ProgressReport& report);

/// `month verify`: makes a closed month's files again and compares them with what was closed, and
/// with the chain of months before it. Result: month, ok, checks.
Reply verify_month(const MonthOrder& order, const ProgressReport& report);

}  // namespace ecrelay::control
