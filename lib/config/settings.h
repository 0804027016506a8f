#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/values.h"

/// The whole configuration as plain values (CONTRACT "Configuration"). The initial value of a
/// member is the default of its key; lib/config/schema.cpp holds what each key means. What
/// load() returns is whole and consistent: names are unique and resolve, paths are absolute,
/// domain names are in lower case, secrets are loaded. Copy freely; nothing points elsewhere.
namespace ecrelay::config {

/// Believes a PROXY header from these networks only.
struct ProxyProtocol {
  std::vector<Network> trusted;
};

struct Listener {
  SocketAddress address;
  ListenerTls tls = ListenerTls::off;
  std::optional<Certificate> certificate;  ///< both present unless tls is off
  std::optional<SecretText> key;
  std::optional<ProxyProtocol> proxy_protocol;
};

/// An authorized client; nobody else gets past the banner.
struct Host {
  std::string name;
  std::vector<Network> networks;
  ShopSet shops;
  Login auth = Login::none;
  /// SHA-256 fingerprint (64 lower-case hexadecimal digits) or a DNS name.
  std::optional<std::string> certificate;
  OnSuppressed suppressed = OnSuppressed::accept;
  std::optional<std::uint32_t> max_connections;  ///< else limits.connections_per_host
};

struct DkimKey {
  std::string selector;
  SecretText key;  ///< PEM private key; its algorithm is the key's own
};

struct Domain {
  std::string name;
  std::optional<std::string> return_path;
  bool forward_reports = false;  ///< what comes back goes on to the envelope sender
  std::vector<DkimKey> dkim;
  Unpublished unpublished = Unpublished::sign;
  DnsManager dns = DnsManager::shop;
};

struct User {
  std::string name;
  PasswordHash password;
};

/// Nothing means no limit.
struct ShopLimits {
  std::optional<std::uint32_t> messages_per_second;
  std::optional<std::uint64_t> messages_per_day;
  std::optional<Money> yen_per_month;
};

struct Price {
  std::chrono::year_month_day from;  ///< in force from the start of this JST day
  Money yen;
  ChargeUnit unit = ChargeUnit::message;
};

/// In ascending order of `from`, at least one.
struct Billing {
  std::vector<Price> prices;
};

struct Shop {
  std::string id;
  std::string name;  ///< the id when the file gives none
  std::vector<Domain> domains;
  std::vector<User> users;
  std::string upstream = "default";
  ShopMode mode = ShopMode::live;
  bool stopped = false;      ///< its mail is refused at MAIL
  std::uint32_t weight = 1;  ///< share of an upstream beside other shops
  InDoubt in_doubt = InDoubt::retry;
  bool failure_reports = true;  ///< RFC 3464 reports to the envelope sender
  ShopLimits limits;
  std::optional<Billing> billing;  ///< its own prices
};

struct Server {
  ServerAddress address;
  std::uint32_t priority = 10;  ///< lowest first
  std::uint32_t weight = 1;
};

struct UpstreamLogin {
  std::string user;
  SecretText password;
};

/// RFC 5321 4.5.3.2, but for `connect` (it asks for none), `greeting` and `idle`.
struct UpstreamTimeouts {
  Duration connect = std::chrono::seconds(30);
  Duration greeting = std::chrono::minutes(5);
  Duration command = std::chrono::minutes(5);
  Duration data = std::chrono::minutes(2);
  Duration block = std::chrono::minutes(3);
  Duration end_of_data = std::chrono::minutes(10);
  Duration idle = std::chrono::seconds(20);
};

/// So many failures in a row close a server for `pause`, which doubles up to `longest_pause`.
struct ServerBreaker {
  std::uint32_t failures = 5;
  Duration pause = std::chrono::seconds(30);
  Duration longest_pause = std::chrono::minutes(2);
};

/// How much at once, and how fast, each of these recipient domains is sent to.
struct Destination {
  std::vector<std::string> domains;  ///< "*": every domain that no other entry names
  std::optional<std::uint32_t> concurrency;
  std::optional<std::uint32_t> messages_per_second;
};

struct Upstream {
  std::string name;
  std::vector<Server> servers;
  UpstreamTls tls = UpstreamTls::verify;
  std::optional<std::filesystem::path> ca;  ///< PEM file; else the system's
  std::optional<UpstreamLogin> auth;
  std::uint32_t connections = 20;
  std::uint32_t messages_per_connection = 100;
  std::uint32_t recipients_per_message = 100;
  std::optional<std::uint32_t> messages_per_second;
  std::vector<Destination> destinations;
  std::vector<Signature> signatures = {Signature::rsa_sha256, Signature::ed25519_sha256};
  UpstreamTimeouts timeouts;
  ServerBreaker breaker;
};

struct Retry {
  std::vector<Duration> schedule = {std::chrono::minutes(1),  std::chrono::minutes(5),
                                    std::chrono::minutes(15), std::chrono::minutes(30),
                                    std::chrono::hours(1),    std::chrono::hours(2),
                                    std::chrono::hours(4)};
  Duration expire = std::chrono::hours(48);
  std::optional<Duration> delay_warning;
};

/// When points become an entry: at least so many, on so many JST days, over so long a span.
struct PointThreshold {
  std::uint32_t points;
  std::uint32_t days;
  Duration span;
};

/// How long an entry lasts: the first time, the second, the third and later.
struct EntryLifetimes {
  std::vector<Duration> hard = {std::chrono::hours(24 * 180), std::chrono::hours(24 * 360),
                                std::chrono::hours(24 * 720)};
  std::vector<Duration> points = {std::chrono::hours(24 * 30), std::chrono::hours(24 * 90),
                                  std::chrono::hours(24 * 180)};
  std::vector<Duration> domain = {std::chrono::hours(24 * 30)};
};

/// A wave of "user unknown" from one destination parks candidates instead of suppressing them.
struct WaveBreaker {
  std::uint32_t percent = 20;
  std::uint32_t finals = 50;
  Duration window = std::chrono::hours(1);
  std::uint32_t times_usual = 5;
};

/// A row of the decision table that an operator adds: all conditions that are given must hold.
struct SuppressionRule {
  std::string reason;
  RuleDecision decision = RuleDecision::ignore;
  RefusalStage stage = RefusalStage::any;
  std::optional<std::uint32_t> code;
  std::optional<std::string> enhanced;
  std::optional<std::string> text;
  std::optional<std::string> server;
  std::optional<std::string> domain;
};

/// Thresholds of BOUNCE_RULES.
struct Suppression {
  bool dry_run = false;
  std::vector<SuppressionRule> rules;
  Duration points_window = std::chrono::hours(24 * 30);
  PointThreshold mailbox{3, 3, std::chrono::hours(24 * 7)};
  PointThreshold delivery{5, 5, std::chrono::hours(24 * 14)};
  Duration quiet_after_delivery = std::chrono::hours(72);
  EntryLifetimes lifetimes;
  std::uint32_t spread_shops = 2;
  Duration spread_window = std::chrono::hours(24 * 30);
  Duration domain_confirmation = std::chrono::hours(24);
  WaveBreaker breaker;
};

/// The listener for what comes back to return paths; it never relays.
struct Reports {
  std::optional<SocketAddress> listen;
  std::optional<SecretText> secret;  ///< present when listen is, or a domain has a return path
  std::optional<SecretText> previous_secret;  ///< still believed after a rotation
  std::vector<Network> networks;              ///< who may connect; everybody by default
  Duration lifetime = std::chrono::hours(24 * 10);
  ReportsTls tls = ReportsTls::off;
  std::optional<Certificate> certificate;
  std::optional<SecretText> key;

  Reports();
  /// The one that signs first, then the one that is still believed.
  std::vector<Secret> secrets() const;
};

struct Limits {
  Size message_size{25ULL << 20};
  std::uint32_t recipients = 1000;
  Size line{64ULL << 10};
  Size command_line{2048};
  Size header_size{256ULL << 10};
  std::uint32_t header_fields = 1000;
  std::uint32_t received_hops = 50;
  std::uint32_t connections = 2000;
  std::uint32_t connections_per_host = 500;
  std::uint64_t queue = 5'000'000;  ///< recipients
  std::uint32_t bulk_after = 300;   ///< messages of a shop within a minute; 0: never
  Size memory{256ULL << 20};
  Size disk_reserve{1ULL << 30};
  Size minimum_rate{1024};  ///< bytes a second in DATA, averaged after the first 30 s
  Duration handshake_timeout = std::chrono::seconds(10);
  Duration command_timeout = std::chrono::minutes(5);
  Duration message_timeout = std::chrono::minutes(10);
  Duration session_timeout = std::chrono::hours(1);
  Duration commit_timeout = std::chrono::seconds(4);
  std::uint32_t protocol_errors = 10;
  std::uint32_t failed_logins = 5;
  std::uint32_t idle_commands = 1000;  ///< NOOP, RSET, VRFY, HELP and the like
  std::uint32_t bdat_chunks = 10'000;
  Size unsent_replies{64ULL << 10};
  Duration login_memory = std::chrono::minutes(5);

  /// A quarter of `memory` is for bodies on their way out, the rest for those on their way in: mail
  /// that is slow to go cannot keep mail from coming, nor the other way round.
  std::uint64_t memory_of_deliveries() const { return memory.bytes / 4; }
  std::uint64_t memory_of_sessions() const { return memory.bytes - memory_of_deliveries(); }
};

struct Log {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::json;
  LogTarget target;
  AddressMask mask_addresses = AddressMask::off;
  std::uint32_t refusals_per_minute = 10;
};

struct Control {
  std::filesystem::path socket = "/run/ecrelay/control.sock";
  std::optional<SocketAddress> http;  ///< loopback only
};

/// Signs for domains whose own keys are not in DNS yet (`unpublished: operator`).
struct OperatorKeys {
  std::string domain;
  std::vector<DkimKey> keys;
};

struct Dkim {
  DkimEngine engine = DkimEngine::cached;
  std::uint32_t signers = 0;  ///< threads; 0: one for each processor
  std::optional<OperatorKeys> operator_keys;
  /// How long a replaced key stays in DNS beyond the longest life of a queued message.
  Duration keep_replaced = std::chrono::hours(24 * 7);
};

/// What shops publish, and whether the relay looks after it.
struct Dns {
  /// How often each domain is looked at; absent: never, and every key signs from the start.
  std::optional<Duration> check_every;
  std::optional<SocketAddress> resolver;  ///< else those of /etc/resolv.conf
  std::uint32_t authority_port = 53;      ///< of the servers that zones name
  std::vector<std::string> spf;           ///< terms that let the upstreams deliver
  std::string dmarc = "v=DMARC1; p=none";
  std::optional<std::string> dkim_zone;          ///< the operator's zone of keys
  std::optional<std::string> return_path_alias;  ///< the operator's name that return paths share
};

struct Tls {
  TlsVersion minimum = TlsVersion::v1_2;
  std::optional<Certificate> client_ca;
};

struct Settings {
  std::uint32_t version = 1;
  std::string node;  ///< the first label of hostname when the file gives none
  std::string hostname;
  std::filesystem::path state_dir = "/var/lib/ecrelay";
  std::vector<std::string> include;  ///< as written; already merged into the lists below
  std::vector<Listener> listeners;
  std::vector<Host> hosts;
  std::vector<Shop> shops;
  std::vector<Upstream> upstreams;
  Billing billing;
  Retry retry;
  Suppression suppression;
  Reports reports;
  Limits limits;
  Log log;
  Control control;
  Dkim dkim;
  Dns dns;
  Tls tls;

  Settings();
};

}  // namespace ecrelay::config
