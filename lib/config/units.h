#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/values.h"

namespace ecrelay::config {

/// "250ms", "30s", "5m", "2h", "2d", and descending sums: "1h30m". At most 3,650 days.
std::optional<Duration> parse_duration(std::string_view text);

/// "64KiB", "10MiB", "1GiB", or bytes: "2048". Powers of 1024 only, so that nobody has to guess
/// what "10MB" means.
std::optional<Size> parse_size(std::string_view text);
/// In the largest unit that divides it.
std::string to_text(Size size);

/// The part before the last colon, and the port behind it; brackets around the host are taken
/// off, and demanded where the host holds colons.
struct HostAndPort {
  std::string_view host;
  std::uint16_t port;
};
std::optional<HostAndPort> parse_host_and_port(std::string_view text);

/// Letters, digits and inner hyphens in labels of 1 to 63, 253 in all, the last label not a
/// number. Internationalised names only in their A-label form.
bool is_domain_name(std::string_view text);

}  // namespace ecrelay::config
