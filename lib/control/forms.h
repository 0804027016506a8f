#pragma once

#include <boost/json/object.hpp>

#include "core/time.h"
#include "records/audit.h"
#include "records/charge.h"
#include "records/suppression.h"
#include "store/inquiry.h"

/// The rows of the book as JSON.
namespace ecrelay::control {

boost::json::object to_json(const store::QueueRow& row);
/// With recipients, attempts (under their recipient), charges and effects on the list.
boost::json::object to_json(const store::MessageTrace& trace);
boost::json::object to_json(const records::LedgerEntry& entry);
boost::json::object to_json(const records::Usage& usage);
/// "blocking" is whether it holds mail back at `now`.
boost::json::object to_json(const records::SuppressionEntry& entry, TimePoint now);
boost::json::object to_json(const records::SuppressionEvent& event);
boost::json::object to_json(const records::AuditRow& row);

}  // namespace ecrelay::control
