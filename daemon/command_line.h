#pragma once

#include <chrono>
#include <string>

#include "control/backup.h"
#include "control/consult.h"
#include "control/month_export.h"
#include "control/new_key.h"
#include "control/rotation.h"
#include "control/suppression_file.h"

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace ecrelay {

/// What the command line asks for.
struct Order {
  control::Whereabouts place;
  bool json = false;
  control::Request request;
  control::NewKey new_key;
  control::Rotation rotation;
  control::MonthOrder month;
  std::string statement;  ///< file of `reconcile`
  bool dry_run = false;
  std::string dns_format = "table";
  std::string language;  ///< of `suppression show`; "": as the locale says
  std::string report_file;
  std::string backup_folder;
  control::Import import;
  std::chrono::seconds wait{120};  ///< of send-test
};

/// The tree of ecrelayctl's commands: parsing with it fills `order`, which outlives it.
void build_commands(CLI::App& app, Order& order);

/// What is wrong with a command line, and what may have been meant.
std::string complaint(CLI::App& app, const CLI::ParseError& error);

}  // namespace ecrelay
