#include "net/endpoint.h"

#include "core/text.h"

namespace ecrelay::net {

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  const auto port = text::number(text.substr(colon + 1));
  if (!address || !port || *port > 65535) return std::nullopt;
  // "::1:25" would be read as an address of another host.
  if (bracketed == (host.find(':') == std::string_view::npos)) return std::nullopt;
  return Endpoint(*address, static_cast<std::uint16_t>(*port));
}

std::string Endpoint::text() const {
  const std::string host = address.is_v4() ? address.text() : "[" + address.text() + "]";
  return host + ":" + std::to_string(port);
}

}  // namespace ecrelay::net
