#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "config/loader.h"

namespace ecrelay::config {

/// A folder of its own for one test, gone with it.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "ecrelay-config-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() { std::filesystem::remove_all(path_); }

  const std::filesystem::path& path() const { return path_; }

  std::filesystem::path write(const std::string& name, std::string_view text,
                              mode_t mode = 0600) const {
    const auto file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::filesystem::remove(file);  // ext4 flushes a file that is truncated and written again
    std::ofstream(file, std::ios::binary) << text;
    chmod(file.c_str(), mode);
    return file;
  }

  /// Loads `text` as the main file.
  LoadOutcome load(std::string_view text) const { return config::load(write("test.yaml", text)); }

 private:
  std::filesystem::path path_;
};

/// The problems as lines, without the folder and what it would add to every line.
inline std::vector<std::string> texts(const std::vector<Problem>& problems,
                                      const TestFolder& folder) {
  std::vector<std::string> lines;
  for (const Problem& problem : problems) {
    std::string text = problem.text();
    const std::string prefix = folder.path().string() + "/";
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
      text.erase(at, prefix.size());
    }
    lines.push_back(text);
  }
  return lines;
}

inline std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

inline std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

/// The path of the key on each line of a file written in block style, one key a line:
/// "shops[].domains[].name".
inline std::vector<std::string> paths_of_lines(std::string_view file) {
  std::vector<std::string> paths;
  std::vector<std::string> stack;  // what stands at each indentation of two
  for (std::string line : lines_of(file)) {
    if (const auto dash = line.find("- "); dash == line.find_first_not_of(' ')) {
      line[dash] = ' ';
      stack.resize(dash / 2 + 1);
      stack[dash / 2] = "[]";
    }
    const std::size_t indent = line.find_first_not_of(' ');
    stack.resize(indent / 2 + 1);
    stack[indent / 2] = line.substr(indent, line.find(':') - indent);
    std::string path;
    for (const std::string& piece : stack) {
      path += (path.empty() || piece == "[]" ? "" : ".") + piece;
    }
    paths.push_back(path);
  }
  return paths;
}

/// Everything that has no default, one line a section.
inline constexpr std::string_view minimal = R"(hostname: relay.example.jp
listeners: [{address: "127.0.0.1:2525"}]
hosts: [{name: app, networks: [127.0.0.1], shops: ["*"]}]
shops: [{id: shop, domains: [{name: shop.example}]}]
upstreams: [{name: default, servers: [{address: "127.0.0.1:2526"}]}]
)";

/// `minimal` with `line` instead of the line that begins with the same key, or behind the others.
inline std::string minimal_with(const std::string& line) {
  auto lines = lines_of(minimal);
  const std::string key = line.substr(0, line.find(':') + 1);
  for (std::string& old : lines) {
    if (!old.starts_with(key)) continue;
    old = line;
    return joined(lines);
  }
  lines.push_back(line);
  return joined(lines);
}

/// The files that `full` refers to.
inline void write_full_files(const TestFolder& folder) {
  folder.write("keys/tls.pem", "-----BEGIN PRIVATE KEY-----\nkey\n-----END PRIVATE KEY-----\n");
  folder.write("keys/chain.pem", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n",
               0644);
  folder.write("keys/hash", "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC\n");
  folder.write("keys/password", "a password\n");
  folder.write("keys/return-path", "0123456789abcdef0123456789abcdef\n");
  folder.write("ca.pem", "authorities", 0644);
}

/// Every key of the reference, one a line, each with another value than its default.
inline constexpr std::string_view full = R"(version: 1
node: relay-1
hostname: relay.example.jp
state_dir: state
include: [conf.d/*.yaml]
listeners:
  - address: 0.0.0.0:25
    tls: required
    certificate: file:keys/chain.pem
    key: file:keys/tls.pem
    proxy_protocol:
      trusted: [10.0.0.5]
hosts:
  - name: app-1
    networks: [10.0.1.0/24, 2001:db8::/48]
    shops: [shop-a]
    auth: required
    certificate: app-1.example.jp
    suppressed: reject
    max_connections: 200
shops:
  - id: shop-a
    name: ショップA
    domains:
      - name: shop-a.example
        return_path: bounce.shop-a.example
        forward_reports: true
        dkim:
          - selector: r1
            key: file:keys/tls.pem
        unpublished: hold
        dns: operator
    users:
      - name: shop-a
        password: file:keys/hash
    upstream: other
    mode: hold
    stopped: true
    weight: 2
    in_doubt: hold
    failure_reports: false
    limits:
      messages_per_second: 50
      messages_per_day: 100000
      yen_per_month: "50000.5"
    billing:
      prices:
        - from: 2024-07-01
          yen: "0.25"
          unit: recipient
upstreams:
  - name: other
    servers:
      - address: smtp.example.net:587
        priority: 20
        weight: 3
    tls: implicit
    ca: ca.pem
    auth:
      user: relay
      password: file:keys/password
    connections: 5
    messages_per_connection: 10
    recipients_per_message: 50
    messages_per_second: 200
    destinations:
      - domains: [docomo.ne.jp, "*"]
        concurrency: 3
        messages_per_second: 7
    signatures: [ed25519-sha256]
    timeouts:
      connect: 31s
      greeting: 6m
      command: 7m
      data: 3m
      block: 4m
      end_of_data: 11m
      idle: 250ms
    breaker:
      failures: 6
      pause: 31s
      longest_pause: 1h30m
billing:
  prices:
    - from: 2024-07-01
      yen: "0.1"
      unit: message
    - from: 2026-04-01
      yen: "0.125"
      unit: recipient
retry:
  schedule: [2m, 10m]
  expire: 3d
  delay_warning: 4h
suppression:
  dry_run: true
  rules:
    - reason: local_dead
      decision: suppress
      stage: rcpt
      code: 550
      enhanced: 5.0.*
      text: kein Anschluss * dieser Nummer
      server: mx.example.net
      domain: example.net
    - reason: reseller_policy
      decision: ignore
      stage: any
      text: not served by us
  points_window: 31d
  mailbox:
    points: 4
    days: 5
    span: 8d
  delivery:
    points: 6
    days: 7
    span: 15d
  quiet_after_delivery: 73h
  lifetimes:
    hard: [181d]
    points: [31d]
    domain: [32d]
  spread_shops: 3
  spread_window: 29d
  domain_confirmation: 25h
  breaker:
    percent: 21
    finals: 51
    window: 2h
    times_usual: 6
reports:
  listen: 0.0.0.0:2526
  secret: file:keys/return-path
  previous_secret: file:keys/hash
  networks: [192.0.2.0/24]
  lifetime: 11d
  tls: opportunistic
  certificate: file:keys/chain.pem
  key: file:keys/tls.pem
limits:
  message_size: 26MiB
  recipients: 1001
  line: 65KiB
  command_line: 4KiB
  header_size: 257KiB
  header_fields: 1001
  received_hops: 51
  connections: 2001
  connections_per_host: 501
  queue: 5000001
  bulk_after: 301
  memory: 257MiB
  disk_reserve: 2GiB
  minimum_rate: 1025
  handshake_timeout: 11s
  command_timeout: 6m
  message_timeout: 11m
  session_timeout: 2h
  commit_timeout: 3s
  protocol_errors: 11
  failed_logins: 6
  idle_commands: 1001
  bdat_chunks: 10001
  unsent_replies: 65KiB
  login_memory: 6m
log:
  level: debug
  format: text
  target: file:log/ecrelay.log
  mask_addresses: local
  refusals_per_minute: 11
control:
  socket: control.sock
  http: 127.0.0.1:8025
dkim:
  engine: libopendkim
  signers: 2
  operator_keys:
    domain: relay.example.jp
    keys:
      - selector: o1
        key: file:keys/tls.pem
  keep_replaced: 8d
dns:
  check_every: 6h
  resolver: 127.0.0.1:5353
  authority_port: 5354
  spf: [include:spf.example.net]
  dmarc: v=DMARC1; p=reject
  dkim_zone: dkim.example.jp
  return_path_alias: bounce.example.jp
tls:
  minimum: 1.3
  client_ca: file:keys/chain.pem
)";

}  // namespace ecrelay::config
