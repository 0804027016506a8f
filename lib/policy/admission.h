#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/network.h"
#include "core/result.h"
#include "policy/shop.h"

namespace ecrelay::policy {

/// Why a host, sender or From was turned away. The peer gets the reply of CONTRACT's table, the
/// log gets Decision::reason.
enum class Refusal {
  none,
  login_required,          ///< 530 5.7.0 at MAIL
  host_not_for_shop,       ///< the host may not send for the shop of the domain or login
  domain_of_no_shop,       ///< nobody here owns the domain
  domain_of_another_shop,  ///< it is owned, but not by the shop of this login or sender
  no_from,                 ///< header From without a mailbox
  shop_stopped,
};

/// The answer about one sender or From.
struct Decision {
  Refusal refusal = Refusal::none;
  /// The shop that pays. Null when refused, and for `<>` without a login: then header From
  /// decides, and nothing may be promised before check_from() has said yes.
  const Shop* shop = nullptr;
  /// For logs and `host explain`: what was compared with what, unescaped.
  std::string reason;

  bool admitted() const { return refusal == Refusal::none; }
};

/// One line of an explanation: a question, whether it was passed, and the answer in words.
struct Step {
  std::string question;
  bool passed;
  std::string answer;
};

/// Who may send what (promise P5): built once from the configuration and never changed, so it is
/// shared between threads and replaced whole on reload. Pointers handed out live as long as the
/// Admission they came from, moved or not. Domains are compared by mail::domain_key() and match
/// exactly: a sub-domain belongs to a shop only when it is listed itself, and a look-alike is
/// another domain. What is not allowed here is refused.
class Admission {
 public:
  /// Refuses (invalid) what would be ambiguous or relay for strangers; all faults in one text,
  /// a line each: two owners of a domain, network, shop id or host name; an unknown shop in a
  /// host; a host for which opens_to_strangers() holds.
  static Result<Admission> build(std::vector<Host> hosts, std::vector<Shop> shops);

  /// The host of the most specific network that holds the address; null for strangers.
  /// Cost: one hash look-up for each distinct prefix length, whatever the number of networks.
  const Host* find_host(const IpAddress& address) const;
  /// The owner of exactly this domain, in any spelling; null when nobody's.
  const Shop* shop_of_domain(std::string_view domain) const;
  const Shop* find_shop(std::string_view id) const;

  /// At MAIL. `login_shop` is null without a login; `sender_domain` is nothing for `<>`.
  /// The shop is the login's, else the owner of the sender's domain; with both, the domain must
  /// be the login shop's own.
  Decision admit_sender(const Host& host, const Shop* login_shop,
                        std::optional<std::string_view> sender_domain) const;

  /// After the dot: the domain of every mailbox in header From must belong to `shop`, the one
  /// admit_sender() named. When it named none (`<>`), the first From domain decides.
  Decision check_from(const Host& host, const Shop* shop,
                      std::span<const std::string> from_domains) const;

  /// Every step of the way for a client at `address` that would send as `sender_domain`.
  std::vector<Step> explain(const IpAddress& address,
                            std::optional<std::string_view> sender_domain) const;

  const std::vector<Host>& hosts() const { return hosts_; }
  const std::vector<Shop>& shops() const { return shops_; }

 private:
  /// A network's bits, family apart: "::/0" must not let IPv4 in.
  struct BitsHash {
    std::size_t operator()(const std::array<std::uint8_t, 16>& bits) const noexcept;
  };
  using NetworkTable = std::unordered_map<std::array<std::uint8_t, 16>, std::size_t, BitsHash>;
  /// By prefix length in the 128-bit form, longest first.
  using Family = std::map<unsigned, NetworkTable, std::greater<>>;

  Admission() = default;
  void index_hosts(std::vector<std::string>& faults);
  void index_shops(std::vector<std::string>& faults);
  void index_network(const Network& network, std::size_t host, std::vector<std::string>& faults);
  Decision allowed(const Host& host, const Shop& shop, std::string how) const;

  std::vector<Host> hosts_;
  std::vector<Shop> shops_;
  Family v4_;
  Family v6_;
  std::unordered_map<std::string, std::size_t> shop_by_id_;
  std::unordered_map<std::string, std::size_t> shop_by_domain_;
};

/// Network of the longest prefix in `host` that holds `address`, for explanations.
const Network* matching_network(const Host& host, const IpAddress& address);

/// True for a host whose networks would let strangers in without a login or certificate: a
/// public IPv4 network wider than /16 or IPv6 wider than /32. Private, loopback, link-local,
/// carrier-grade and unique-local ranges may have any width.
bool opens_to_strangers(const Host& host);

}  // namespace ecrelay::policy
