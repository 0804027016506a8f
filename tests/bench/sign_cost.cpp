// Preloaded into ecrelayd it stands in for the private key's operation: SIGN_COST microseconds of
// CPU and a signature of zeros. So it shows what carries messages beside RSA. The first signatures
// are real ones, for the probes of a start.
#include <dlfcn.h>
#include <openssl/evp.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

constexpr int real_ones = 64;

long nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000L + now.tv_nsec;
}

}  // namespace

extern "C" int EVP_DigestSign(EVP_MD_CTX* context, unsigned char* out, size_t* size,
                              const unsigned char* text, size_t length) {
  using Function = int (*)(EVP_MD_CTX*, unsigned char*, size_t*, const unsigned char*, size_t);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "EVP_DigestSign"));
  static const char* setting = std::getenv("SIGN_COST");
  static const long cost = 1'000L * (setting == nullptr ? 0 : std::atol(setting));
  static std::atomic<int> calls = 0;
  if (calls++ < real_ones) return real(context, out, size, text, length);
  const long until = nanoseconds() + cost;
  std::memset(out, 0, *size);
  while (nanoseconds() < until) {
  }
  return 1;
}
