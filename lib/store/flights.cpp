#include "store/flights.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace ecrelay::store {
namespace {

/// A slot: the id, then the two numbers in the byte order of this machine, which wrote them.
constexpr std::size_t slot_size = 24;
constexpr std::size_t id_size = 16;
using Bytes = std::array<char, slot_size>;

Bytes bytes_of(const Flight& flight) {
  Bytes bytes{};
  const Ulid::Bytes& id = flight.message.bytes();
  std::memcpy(bytes.data(), id.data(), id_size);
  std::memcpy(bytes.data() + id_size, &flight.first, sizeof flight.first);
  std::memcpy(bytes.data() + id_size + sizeof flight.first, &flight.last, sizeof flight.last);
  return bytes;
}

Flight flight_of(const Bytes& bytes) {
  Flight flight;
  Ulid::Bytes id{};
  std::memcpy(id.data(), bytes.data(), id_size);
  flight.message = Ulid::from_bytes(id);
  std::memcpy(&flight.first, bytes.data() + id_size, sizeof flight.first);
  std::memcpy(&flight.last, bytes.data() + id_size + sizeof flight.first, sizeof flight.last);
  return flight;
}

Descriptor open_file(int directory) {
  const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
  Descriptor file(::openat(directory, "flights", flags, 0600));
  if (!file) throw system_failure("cannot open flights");
  return file;
}

off_t offset_of(std::size_t slot) { return static_cast<off_t>(slot * slot_size); }

}  // namespace

Flights::Flights(int directory) : file_(open_file(directory)) {
  Bytes bytes{};
  for (;; ++slots_) {
    const ssize_t count = ::pread(file_.number(), bytes.data(), slot_size, offset_of(slots_));
    if (count < 0) throw system_failure("cannot read flights");
    if (static_cast<std::size_t>(count) < slot_size) return;
    if (bytes == Bytes{}) {
      free_.push_back(slots_);
    } else {
      lost_.push_back(Lost{flight_of(bytes), slots_});
    }
  }
}

Flights::Slot Flights::begin(const Flight& flight) {
  const bool reused = !free_.empty();
  const std::size_t slot = reused ? free_.back() : slots_;
  if (!write(slot, flight)) return std::nullopt;
  if (reused) {
    free_.pop_back();
  } else {
    ++slots_;
  }
  return slot;
}

void Flights::landed(Slot slot) {
  // One that stays marked makes the next start say "in doubt" once too often.
  if (slot && write(*slot, Flight())) free_.push_back(*slot);
}

bool Flights::write(std::size_t slot, const Flight& flight) const {
  const Bytes bytes = bytes_of(flight);
  const ssize_t count = ::pwrite(file_.number(), bytes.data(), slot_size, offset_of(slot));
  return count == static_cast<ssize_t>(slot_size);
}

}  // namespace ecrelay::store
