#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/ulid.h"
#include "store/files.h"

namespace ecrelay::store {

/// A transaction whose body has been given to an upstream, or is about to be: a message, and its
/// recipients by number, from the first to the last.
struct Flight {
  Ulid message;
  std::uint32_t first = 0;
  std::uint32_t last = 0;

  bool holds(std::uint32_t recipient) const { return first <= recipient && recipient <= last; }
};

/// What flies at this moment, in the file `flights` of the state folder: when the process is killed
/// between the upstream's yes and our commit, the next one knows who is in doubt (P3). A flight
/// costs one write of 24 bytes when it begins and one when it has landed. They are not synced, for
/// that would be one sync more for each delivery: a kill or crash loses none of them, a power cut
/// may. A mark that cannot be written is missed by nothing but such a start. Network thread.
class Flights {
 public:
  using Slot = std::optional<std::size_t>;  ///< nothing: this flight is not marked

  /// Throws Failure when the file cannot be opened or read.
  explicit Flights(int directory);

  /// Flights of an earlier run that never landed, with their slots; told once.
  struct Lost {
    Flight flight;
    std::size_t slot = 0;
  };
  std::vector<Lost> take_lost() { return std::exchange(lost_, {}); }

  Slot begin(const Flight& flight);
  /// The book knows how it ended.
  void landed(Slot slot);

 private:
  bool write(std::size_t slot, const Flight& flight) const;

  Descriptor file_;
  std::vector<std::size_t> free_;
  std::size_t slots_ = 0;
  std::vector<Lost> lost_;
};

}  // namespace ecrelay::store
