// A library for LD_PRELOAD under ecrelayd: the wall clock, set forward and back as an administrator
// or a bad time server would. The monotonic clock goes on as it is.
//
//   SHIFTED_CLOCK  a file of 8 bytes, little-endian: so many seconds the wall clock is ahead
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

const std::atomic<std::int64_t>& none() {
  static const std::atomic<std::int64_t> nothing{0};
  return nothing;
}

/// Looked at by every call, so that the clock jumps at once.
const std::atomic<std::int64_t>& shift() {
  static const std::atomic<std::int64_t>& mapped = []() -> const std::atomic<std::int64_t>& {
    const char* name = std::getenv("SHIFTED_CLOCK");
    const int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return none();
    void* page = mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    return page == MAP_FAILED ? none() : *static_cast<const std::atomic<std::int64_t>*>(page);
  }();
  return mapped;
}

int real_clock(clockid_t which, timespec* at) {
  static const auto call =
      reinterpret_cast<int (*)(clockid_t, timespec*)>(dlsym(RTLD_NEXT, "clock_gettime"));
  return call(which, at);
}

}  // namespace

extern "C" int clock_gettime(clockid_t which, timespec* at) noexcept {
  const int result = real_clock(which, at);
  if (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE) at->tv_sec += shift();
  return result;
}

extern "C" int gettimeofday(timeval* at, void*) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  *at = {now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

extern "C" time_t time(time_t* at) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (at != nullptr) *at = now.tv_sec;
  return now.tv_sec;
}
