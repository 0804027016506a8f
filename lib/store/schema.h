#pragma once

#include "store/database.h"

namespace ecrelay::store {

/// The version of the book that this program writes: the number of its migrations.
int schema_version();

/// Brings a book up to this version (or to an earlier one), each step one transaction; an empty
/// file becomes a book. Failure when the book is newer than this program, or no book at all.
void migrate(Connection& connection, int to = schema_version());

/// For readers: Failure when the book has another version than this program.
void require_current_schema(Connection& connection);

}  // namespace ecrelay::store
