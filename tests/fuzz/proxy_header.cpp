#include "smtp/proxy_header.h"

#include <algorithm>
#include <string_view>

#include "target.h"

/// The header of a load balancer, from somebody who may be none: read the same however it is cut,
/// bounded, and not a byte further than it goes.
namespace {

using ecrelay::fuzz::require;

struct Read {
  ecrelay::smtp::ProxyHeader header;
  std::size_t taken = 0;
};

Read read(std::string_view input, std::size_t step) {
  Read result;
  while (result.header.wants() > 0 && !input.empty()) {
    const std::size_t count = std::min({result.header.wants(), step, input.size()});
    result.header.receive(input.substr(0, count));
    input.remove_prefix(count);
    result.taken += count;
    require(result.taken <= 16 + 65535, "a header has an end");
  }
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = ecrelay::fuzz::text_of(data, size);
  const Read whole = read(input, 65536);
  const Read bytes = read(input, 1);
  const bool over = whole.header.wants() == 0;
  require(over == (bytes.header.wants() == 0), "over or not, however it is cut");
  if (!over) return 0;
  const auto& one = whole.header.client();
  const auto& other = bytes.header.client();
  require(static_cast<bool>(one) == static_cast<bool>(other), "a header, however it is cut");
  if (one) {
    require(*one == *other, "with the same client");
    require(whole.taken == bytes.taken, "and the same end");
  }
  return 0;
}
