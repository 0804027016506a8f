#pragma once

#include "store/database.h"

namespace ecrelay::store {

/// One state of the book for several questions. While it lives the WAL cannot be emptied.
class Snapshot {
 public:
  explicit Snapshot(Connection& connection) : connection_(connection) {
    connection_.execute("BEGIN");
  }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot() {
    try {
      connection_.execute("ROLLBACK");
    } catch (const Failure&) {
      // A failed read has ended it already.
    }
  }

 private:
  Connection& connection_;
};

}  // namespace ecrelay::store
