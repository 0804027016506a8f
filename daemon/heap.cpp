#include "heap.h"

#include <malloc.h>

#include <cstddef>

namespace ecrelay::heap {
namespace {

constexpr int large = 1 << 20;
/// What traffic takes from the heap and gives back all the time is less.
constexpr std::size_t much = 64 << 20;

}  // namespace

void prepare() {
  mallopt(M_MMAP_THRESHOLD, large);
  mallopt(M_TRIM_THRESHOLD, 4 * large);
  mallopt(M_ARENA_MAX, 2);
}

void tidy_up() {
  if (mallinfo2().fordblks > much) malloc_trim(0);
}

}  // namespace ecrelay::heap
