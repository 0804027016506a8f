#pragma once

#include <boost/json/object.hpp>

#include <string>

#include "control/consult.h"
#include "control/wire.h"

namespace ecrelay::control {

/// `report read FILE|-`: what the report reader and the decision table make of a mail, or of each
/// mail of an mbox file; "-" is standard input. Needs neither daemon nor configuration, and changes
/// nothing; where the configuration can be read its suppression.rules are asked, too. The answer's
/// `results` have exactly the fields recipient, original_recipient, action, status, reply, kind,
/// decision, reason; a mail that is no report has none. Of a file the first 256 MiB are read.
/// Faults: invalid when it cannot be read, and a configuration that was named and is broken.
Reply read_report_file(const std::string& file, const Whereabouts& place);

/// For programs: one JSON object a line and result.
std::string report_lines(const boost::json::object& result);
std::string render_report(const boost::json::object& result);

}  // namespace ecrelay::control
