#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "net/endpoint.h"

namespace ecrelay::net {

/// A name server on loopback that knows a few names. Its thread answers until it goes.
class NameServer {
 public:
  struct Answers {
    int rcode = 0;  // 2 SERVFAIL, 3 NXDOMAIN, -1 says nothing
    std::vector<std::string> addresses;
    std::uint8_t ttl = 60;
  };
  using Key = std::pair<std::string, int>;  // name, type: 1 A, 28 AAAA

  explicit NameServer(std::map<Key, Answers> known) : known_(std::move(known)) {
    fd_ = socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(fd_, reinterpret_cast<sockaddr*>(&address), size);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    at_ = Endpoint(*IpAddress::parse("127.0.0.1"), ntohs(address.sin_port));
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  ~NameServer() {
    thread_.request_stop();
    thread_.join();
    ::close(fd_);
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  const Endpoint& at() const { return at_; }
  int questions() const { return questions_; }

 private:
  void serve(const std::stop_token& stop) {
    std::string packet(512, '\0');
    while (!stop.stop_requested()) {
      pollfd ready{fd_, POLLIN, 0};
      if (poll(&ready, 1, 20) <= 0) continue;
      sockaddr_in peer{};
      socklen_t size = sizeof peer;
      auto* from = reinterpret_cast<sockaddr*>(&peer);
      const ssize_t got = recvfrom(fd_, packet.data(), packet.size(), 0, from, &size);
      if (got < 17) continue;
      ++questions_;
      const std::string reply = answer(packet.substr(0, static_cast<std::size_t>(got)));
      if (!reply.empty()) sendto(fd_, reply.data(), reply.size(), 0, from, size);
    }
  }

  std::string answer(const std::string& query) const {
    std::string name;
    std::size_t at = 12;
    while (query[at] != '\0') {
      if (!name.empty()) name += '.';
      name += query.substr(at + 1, static_cast<std::size_t>(query[at]));
      at += 1 + static_cast<std::size_t>(query[at]);
    }
    const std::string question = query.substr(12, at - 12 + 5);
    const auto known = known_.find(Key(name, static_cast<unsigned char>(query[at + 2])));
    const Answers answers = known == known_.end() ? Answers{3, {}, 0} : known->second;
    if (answers.rcode < 0) return {};
    const auto count = static_cast<char>(answers.addresses.size());
    std::string reply = query.substr(0, 2) + "\x81" + static_cast<char>(0x80 | answers.rcode) +
                        std::string("\0\1\0", 3) + count + std::string(4, '\0') + question;
    for (const std::string& text : answers.addresses) {
      const IpAddress address = *IpAddress::parse(text);
      const auto& bytes = address.mapped();
      reply += std::string("\xc0\x0c\0", 3) + query[at + 2] + std::string("\0\1\0\0\0", 5) +
               static_cast<char>(answers.ttl) + '\0' + (address.is_v4() ? '\4' : '\20');
      reply.append(bytes.begin() + (address.is_v4() ? 12 : 0), bytes.end());
    }
    return reply;
  }

  std::map<Key, Answers> known_;
  int fd_ = -1;
  Endpoint at_;
  std::atomic<int> questions_ = 0;
  std::jthread thread_;
};

}  // namespace ecrelay::net
