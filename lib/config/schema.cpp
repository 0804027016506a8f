#include "config/schema.h"

#include "config/rules.h"
#include "config/schema_rules.h"
#include "config/section.h"

namespace ecrelay::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Rule<Size> size(std::uint64_t least, std::uint64_t most) {
  return between(Size{least}, Size{most});
}

std::string known_version(std::uint32_t& version) {
  return version == 1 ? "" : "this program reads version 1";
}

std::string few_listeners(std::vector<Listener>& list) {
  constexpr std::size_t most = 100;
  return list.size() > most ? "more than 100 listeners" : some(list);
}

}  // namespace

template <>
const std::vector<Field<ProxyProtocol>>& table<ProxyProtocol>() {
  static const std::vector<Field<ProxyProtocol>> rows = {
      required("trusted", &ProxyProtocol::trusted,
               "networks of the load balancers that send a PROXY header", some<Network>),
  };
  return rows;
}

template <>
const std::vector<Field<Listener>>& table<Listener>() {
  static const std::vector<Field<Listener>> rows = {
      required("address", &Listener::address, "where to listen for application servers"),
      key("tls", &Listener::tls,
          "off; opportunistic: STARTTLS is offered; required: no mail before STARTTLS; implicit: "
          "TLS from the first byte. Ruby clients refuse to send where a certificate that they "
          "cannot verify is offered"),
      key("certificate", &Listener::certificate, "PEM chain, the server's own certificate first"),
      key("key", &Listener::key, "PEM private key of the certificate", pem_private_key),
      key("proxy_protocol", &Listener::proxy_protocol,
          "expect a PROXY header, and believe it from trusted networks"),
  };
  return rows;
}

template <>
const std::vector<Field<Host>>& table<Host>() {
  static const std::vector<Field<Host>> rows = {
      required("name", &Host::name, "unique; stands in logs and `ecrelayctl host explain`",
               identifier),
      required("networks", &Host::networks,
               "addresses of this host; the most specific network of all hosts decides. Public "
               "networks wider than /16 (IPv6: /32) need a login or certificate and TLS",
               some<Network>),
      required("shops", &Host::shops, "the shops it may send for", all_or_some),
      key("auth", &Host::auth, "required: no mail without a login, which needs TLS"),
      key("certificate", &Host::certificate,
          "demands a client certificate: its SHA-256 fingerprint, or a DNS name in one that a CA "
          "of tls.client_ca has signed",
          certificate_identity),
      key("suppressed", &Host::suppressed,
          "suppressed recipients are accepted and dropped, or refused at RCPT"),
      key("max_connections", &Host::max_connections,
          "open connections; limits.connections_per_host when absent", count()),
  };
  return rows;
}

template <>
const std::vector<Field<DkimKey>>& table<DkimKey>() {
  static const std::vector<Field<DkimKey>> rows = {
      required("selector", &DkimKey::selector, "the name below _domainkey in DNS", dkim_selector),
      required("key", &DkimKey::key, "PEM private key, RSA (2048 bits or more) or Ed25519",
               pem_private_key),
  };
  return rows;
}

template <>
const std::vector<Field<Domain>>& table<Domain>() {
  static const std::vector<Field<Domain>> rows = {
      required("name", &Domain::name, "a domain of senders and header From; exactly this one",
               domain_name),
      key("return_path", &Domain::return_path,
          "domain of envelope senders that bring reports back; needs reports.secret", domain_name),
      key("forward_reports", &Domain::forward_reports,
          "pass reports that came back to the return path on to the envelope sender that the shop "
          "gave"),
      key("dkim", &Domain::dkim, "keys that sign this domain's mail; without any it goes unsigned"),
      key("unpublished", &Domain::unpublished,
          "until one of its keys is in DNS, mail is signed with them all the same (sign), signed "
          "and held until then (hold), signed for dkim.operator_keys.domain (operator), or refused "
          "until then (refuse). All but sign need dns.check_every. Held mail goes when this "
          "becomes sign"),
      key("dns", &Domain::dns, "who writes its DNS zone; for the text of `ecrelayctl dns show`"),
  };
  return rows;
}

template <>
const std::vector<Field<User>>& table<User>() {
  static const std::vector<Field<User>> rows = {
      required("name", &User::name, "login name, unique among all shops"),
      required("password", &User::password, "hash of the password, made by mkpasswd -m yescrypt"),
  };
  return rows;
}

template <>
const std::vector<Field<ShopLimits>>& table<ShopLimits>() {
  static const std::vector<Field<ShopLimits>> rows = {
      key("messages_per_second", &ShopLimits::messages_per_second, "rate of accepted messages",
          count(0)),
      key("messages_per_day", &ShopLimits::messages_per_day, "accepted messages in a JST day"),
      key("yen_per_month", &ShopLimits::yen_per_month, "charges in a JST month", at_least(Money())),
  };
  return rows;
}

template <>
const std::vector<Field<Price>>& table<Price>() {
  static const std::vector<Field<Price>> rows = {
      required("from", &Price::from, "first JST day of this price"),
      required("yen", &Price::yen, "price of one unit", at_least(Money())),
      key("unit", &Price::unit, "what is charged: a message, or each recipient it was sent to"),
  };
  return rows;
}

template <>
const std::vector<Field<Billing>>& table<Billing>() {
  static const std::vector<Field<Billing>> rows = {
      key("prices", &Billing::prices, "in ascending order of their days", some<Price>),
  };
  return rows;
}

template <>
const std::vector<Field<Shop>>& table<Shop>() {
  static const std::vector<Field<Shop>> rows = {
      required("id", &Shop::id, "unique; stands in the ledger and in file names: never change it",
               identifier),
      key("name", &Shop::name, "name for people; the id when absent"),
      required("domains", &Shop::domains, "domains it sends for; each belongs to one shop",
               some<Domain>),
      key("users", &Shop::users, "logins"),
      key("upstream", &Shop::upstream, "name of the upstream that takes its mail"),
      key("mode", &Shop::mode,
          "live; sink: accepted and traced, never sent, never charged; hold: queued until "
          "released"),
      key("stopped", &Shop::stopped, "refuse its mail at MAIL with 550"),
      key("weight", &Shop::weight, "share of its upstream beside other shops", count(1, 1000)),
      key("in_doubt", &Shop::in_doubt,
          "when the upstream's answer to a whole body was lost: retry (it may arrive twice), or "
          "hold until somebody decides"),
      key("failure_reports", &Shop::failure_reports,
          "tell the envelope sender by mail (RFC 3464) what could not be delivered"),
      key("limits", &Shop::limits, "what is over a limit gets 452; absent means unlimited"),
      key("billing", &Shop::billing, "its own prices instead of everybody's"),
  };
  return rows;
}

template <>
const std::vector<Field<Retry>>& table<Retry>() {
  static const std::vector<Field<Retry>> rows = {
      key("schedule", &Retry::schedule,
          "waits after the first, second … failed attempt; the last one repeats", times),
      key("expire", &Retry::expire,
          "age at which a failed attempt is the last, and the recipient ends as expired; what grew "
          "older while its upstream was away gets its one attempt",
          time(minutes(1), 30 * day)),
      key("delay_warning", &Retry::delay_warning,
          "age at which the envelope sender is told that a message waits; never when absent",
          time(minutes(1), 30 * day)),
  };
  return rows;
}

template <>
const std::vector<Field<Reports>>& table<Reports>() {
  using T = Reports;
  static const std::vector<Field<T>> rows = {
      key("listen", &T::listen, "listener for mail to return paths; it never relays"),
      key("secret", &T::secret, "signs return paths; keep it, or open ones become void",
          long_secret),
      key("previous_secret", &T::previous_secret,
          "still believed after a rotation; remove it a lifetime later", long_secret),
      key("networks", &T::networks, "who may connect", some<Network>),
      key("lifetime", &T::lifetime, "how long a return path is valid", time(day, 60 * day)),
      key("tls", &T::tls, "whether STARTTLS is offered"),
      key("certificate", &T::certificate, "PEM chain"),
      key("key", &T::key, "PEM private key of the certificate", pem_private_key),
  };
  return rows;
}

template <>
const std::vector<Field<Limits>>& table<Limits>() {
  using T = Limits;
  static const std::vector<Field<T>> rows = {
      key("message_size", &T::message_size, "of one message; announced as SIZE",
          size(64ULL << 10, 1ULL << 30)),
      key("recipients", &T::recipients, "of one message (RFC 5321 asks for 100 at least)",
          count(100, 100'000)),
      key("line", &T::line, "longest line of a message", size(1000, 16ULL << 20)),
      key("command_line", &T::command_line, "longest command; more closes the connection",
          size(512, 64ULL << 10)),
      key("header_size", &T::header_size, "header section of a message",
          size(4ULL << 10, 16ULL << 20)),
      key("header_fields", &T::header_fields, "fields in it", count(10, 100'000)),
      key("received_hops", &T::received_hops, "Received fields that mean a loop", count(2, 1000)),
      key("connections", &T::connections, "open at once", count()),
      key("connections_per_host", &T::connections_per_host, "open at once from one host", count()),
      key("queue", &T::queue, "recipients waiting; more is refused at MAIL",
          at_least<std::uint64_t>(1)),
      key("bulk_after", &T::bulk_after,
          "messages of a shop within a minute; those beyond that name no lane go as bulk. 0: never",
          count(0)),
      key("memory", &T::memory,
          "for bodies: three quarters for those being received, beyond which they wait and MAIL "
          "gets 452, a quarter for those being delivered, beyond which they are read back when it "
          "is their turn",
          size(16ULL << 20, 1ULL << 40)),
      key("disk_reserve", &T::disk_reserve, "free space that new mail may not use",
          size(0, 1ULL << 50)),
      key("minimum_rate", &T::minimum_rate,
          "bytes a second of a message's data, averaged after the first 30 seconds",
          size(0, 1ULL << 20)),
      key("handshake_timeout", &T::handshake_timeout, "for a TLS handshake",
          time(seconds(1), minutes(5))),
      key("command_timeout", &T::command_timeout, "for a client's next command",
          time(seconds(1), hours(1))),
      key("message_timeout", &T::message_timeout, "for a message's data",
          time(seconds(10), hours(6))),
      key("session_timeout", &T::session_timeout, "for a connection as a whole",
          time(seconds(10), day)),
      key("commit_timeout", &T::commit_timeout,
          "for storing a message; then it is provably not stored and gets 451",
          time(milliseconds(100), minutes(5))),
      key("protocol_errors", &T::protocol_errors, "then the session ends", count(1, 1000)),
      key("failed_logins", &T::failed_logins, "then the session ends", count(1, 100)),
      key("idle_commands", &T::idle_commands,
          "NOOP, RSET and the like between two messages, then the session ends", count(10)),
      key("bdat_chunks", &T::bdat_chunks, "of one message", count(1)),
      key("unsent_replies", &T::unsent_replies,
          "replies a client has not read before its commands wait", size(1ULL << 10, 16ULL << 20)),
      key("login_memory", &T::login_memory,
          "how long a verified login is remembered, so that one connection a mail stays cheap",
          time(Duration(0), hours(1))),
  };
  return rows;
}

template <>
const std::vector<Field<Log>>& table<Log>() {
  static const std::vector<Field<Log>> rows = {
      key("level", &Log::level, "the least that is worth a line"),
      key("format", &Log::format, "one JSON object a line, or TIME LEVEL event key=value"),
      by_restart(key("target", &Log::target, "a file is reopened on SIGUSR1")),
      key("mask_addresses", &Log::mask_addresses,
          "local writes h***@customer.example; trace and the book stay whole"),
      key("refusals_per_minute", &Log::refusals_per_minute,
          "lines of connect_refused, tls_failed or auth_failed about one client; the rest is "
          "counted in one line (repeated); 0 for all",
          count(0, 100'000)),
  };
  return rows;
}

template <>
const std::vector<Field<Control>>& table<Control>() {
  static const std::vector<Field<Control>> rows = {
      by_restart(key("socket", &Control::socket, "where ecrelayctl finds the daemon", socket_path)),
      by_restart(key("http", &Control::http, "metrics and health, on a loopback address only")),
  };
  return rows;
}

template <>
const std::vector<Field<OperatorKeys>>& table<OperatorKeys>() {
  static const std::vector<Field<OperatorKeys>> rows = {
      required("domain", &OperatorKeys::domain, "the operator's own domain", domain_name),
      required("keys", &OperatorKeys::keys, "its keys, which must be in DNS", some<DkimKey>),
  };
  return rows;
}

template <>
const std::vector<Field<Dns>>& table<Dns>() {
  using T = Dns;
  static const std::vector<Field<T>> rows = {
      key("check_every", &T::check_every,
          "how often the records of each domain are looked at; a new key then signs only once it "
          "is in DNS, and replaces the one before it. Never when absent: every key signs from the "
          "start",
          time(seconds(1), 30 * day)),
      key("resolver", &T::resolver, "a recursive server; those of /etc/resolv.conf when absent"),
      key("authority_port", &T::authority_port,
          "port of the name servers that zones name; anything but 53 is for rehearsals",
          count(1, 65'535)),
      key("spf", &T::spf,
          "terms of SPF that let the upstreams deliver: [\"include:spf.example.net\"]", spf_terms),
      key("dmarc", &T::dmarc, "the record proposed to a domain that has none", dmarc_record),
      key("dkim_zone", &T::dkim_zone,
          "zone of the operator with the keys of all shops, which then publish a CNAME to "
          "SELECTOR.DOMAIN.ZONE",
          domain_name),
      key("return_path_alias", &T::return_path_alias,
          "name of the operator that return paths are a CNAME of: it has the MX and the SPF record "
          "for all",
          domain_name),
  };
  return rows;
}

template <>
const std::vector<Field<Dkim>>& table<Dkim>() {
  static const std::vector<Field<Dkim>> rows = {
      by_restart(key("engine", &Dkim::engine,
                     "cached keeps keys loaded and is used where it agrees with libopendkim")),
      by_restart(key("signers", &Dkim::signers, "threads that sign; 0 for one a processor",
                     count(0, 256))),
      key("operator_keys", &Dkim::operator_keys,
          "sign for domains with `unpublished: operator` whose own keys are not in DNS yet"),
      key("keep_replaced", &Dkim::keep_replaced,
          "how long a replaced key stays in DNS beyond retry.expire", time(hours(1), 365 * day)),
  };
  return rows;
}

template <>
const std::vector<Field<Tls>>& table<Tls>() {
  static const std::vector<Field<Tls>> rows = {
      key("minimum", &Tls::minimum, "lowest version spoken, as server and as client"),
      key("client_ca", &Tls::client_ca,
          "PEM certificates of the CAs that vouch for names of hosts (`hosts[].certificate`)"),
  };
  return rows;
}

template <>
const std::vector<Field<Settings>>& table<Settings>() {
  using T = Settings;
  static const std::vector<Field<T>> rows = [] {
    std::vector<Field<T>> all = {
        key("version", &T::version, "of this format", known_version),
        by_restart(
            key("node", &T::node,
                "name of this relay in ids, Received and exports; the first label of hostname when "
                "absent",
                identifier)),
        required("hostname", &T::hostname, "in the banner, EHLO and Received", domain_name),
        by_restart(key("state_dir", &T::state_dir, "folder of book.db and spool/")),
        key("include", &T::include,
            "patterns of further files in this file's folder; they may hold hosts, shops and "
            "upstreams"),
        required("listeners", &T::listeners, "where application servers connect", few_listeners),
        required_in_some_file("hosts", &T::hosts,
                              "authorized application servers; nobody else gets past the banner"),
        required_in_some_file("shops", &T::shops, "tenants: who pays, and for which domains"),
        required_in_some_file("upstreams", &T::upstreams, "pools of smarthosts"),
        key("billing", &T::billing, "everybody's prices"),
        key("retry", &T::retry, "when a deferred recipient is tried again"),
        key("suppression", &T::suppression, "when dead addresses are no longer sent to"),
        key("reports", &T::reports, "bounces and complaints that come back by mail"),
        key("limits", &T::limits, "bounds of what is taken from outside"),
        key("log", &T::log, "events, one a line"),
        key("control", &T::control, "sockets for operators"),
        key("dkim", &T::dkim, "signing"),
        key("dns", &T::dns, "what shops publish in DNS, and the looking after it"),
        key("tls", &T::tls, "what holds for all TLS connections"),
    };
    // What it brought in is printed in its place.
    const auto include = std::find_if(all.begin(), all.end(),
                                      [](const Field<T>& row) { return row.key == "include"; });
    include->print = [](YAML::Emitter&, const T&) {};
    return all;
  }();
  return rows;
}

void read_main_file(Reading& reading, const Node& node, Settings& into) {
  read_section(reading, node, into);
}

void read_included_file(Reading& reading, const Node& node, Settings& into) {
  read_entries(reading, node, into);
}

std::vector<std::string> top_keys() { return keys_of<Settings>(); }

void print_settings(YAML::Emitter& out, const Settings& settings) { print_section(out, settings); }

void compare_settings(std::vector<Difference>& found, const Settings& before,
                      const Settings& after) {
  compare_section(found, std::string(), before, after);
}

std::vector<ReferenceEntry> reference_entries() {
  Entries entries;
  list_section(entries, "", Settings());
  return entries;
}

}  // namespace ecrelay::config
