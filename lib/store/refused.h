#pragma once

#include <cstdint>
#include <vector>

#include "core/ulid.h"
#include "store/database.h"
#include "store/state_directory.h"

/// After a COMMIT whose sync failed, its rows may come back at the next start although their
/// senders were refused (THREATS "Storage facts"). Their ids wait in the file `refused` of the
/// state directory, one a line.
namespace ecrelay::store {

/// Writes the file, synced. Failure when the disk does not even take that.
void note_refused(const StateDirectory& directory, Files& files, const std::vector<Ulid>& ids);

/// Takes the noted messages out of the book and then removes the file; how many were there.
std::int64_t remove_refused(const StateDirectory& directory, Files& files, Connection& book);

}  // namespace ecrelay::store
