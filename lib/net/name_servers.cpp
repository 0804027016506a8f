#include "net/name_servers.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

#include "net/cares.h"

namespace ecrelay::net {

namespace {

using Done = std::function<void(dns::Reply)>;
constexpr int internet = 1;              // class IN
constexpr std::size_t most_servers = 3;  // as resolv.conf(5)

/// A question that c-ares has.
struct Pending {
  std::string name;
  dns::Type type;
  bool recursive;
  Done done;
};

dns::Reply reply_of(const Pending& question, int status, std::string_view bytes) {
  if (status == ARES_EBADNAME) return dns::failed("not a name that DNS can have");
  if (status == ARES_ETIMEOUT) return dns::silent("no answer in time");
  if (status == ARES_ECONNREFUSED) return dns::silent("nobody listens there");
  if (bytes.empty()) return dns::silent(ares_strerror(status));
  const Result<dns::Message> message = dns::parse_message(bytes);
  if (!message) return dns::failed(message.error().detail);
  dns::Reply reply = dns::read_reply(*message, question.name, question.type);
  if (question.recursive || message->authoritative || !reply.answered()) return reply;
  return dns::failed("has no authority over it");
}

void on_reply(void* context, int status, int, unsigned char* bytes, int length) {
  const std::unique_ptr<Pending> question(static_cast<Pending*>(context));
  const std::string_view message(reinterpret_cast<const char*>(bytes),
                                 bytes == nullptr ? 0 : static_cast<std::size_t>(length));
  question->done(reply_of(*question, status, message));
}

}  // namespace

/// One server.
struct NameServers::One {
  One(const asio::any_io_executor& executor, const CaresChannel::Options& options)
      : channel(std::make_shared<CaresChannel>(executor, options)),
        recursive((options.flags & ARES_FLAG_NORECURSE) == 0) {}

  Answer<dns::Reply> begin(const std::string& name, dns::Type type) const {
    Answer<dns::Reply> answer(channel->executor());
    auto* question = new Pending{name, type, recursive, answer.done()};
    ares_query(channel->handle(), name.c_str(), internet, static_cast<int>(type), &on_reply,
               question);
    channel->watch_time();
    return answer;
  }

  std::shared_ptr<CaresChannel> channel;
  bool recursive;
};

NameServers::NameServers(const asio::any_io_executor& executor, const Options& options) {
  CaresChannel::Options settings;
  // Every reply comes back as it is: c-ares would turn SERVFAIL into "connection refused".
  settings.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH |
                   ARES_FLAG_NOALIASES | (options.recursive ? 0 : ARES_FLAG_NORECURSE);
  settings.timeout = options.timeout;
  settings.tries = options.tries;
  servers_ = options.servers;
  if (servers_.empty()) servers_ = CaresChannel(executor, settings).servers();
  servers_.resize(std::min(servers_.size(), most_servers));
  for (const Endpoint& server : servers_) {
    settings.servers.assign(1, server);
    each_.push_back(std::make_shared<One>(executor, settings));
  }
}

NameServers::~NameServers() {
  for (const auto& one : each_) ares_cancel(one->channel->handle());
}

Answer<dns::Reply> NameServers::begin(const std::string& name, dns::Type type) {
  return each_.at(0)->begin(name, type);
}

asio::awaitable<dns::Reply> NameServers::ask(std::string name, dns::Type type) {
  const std::vector<std::shared_ptr<One>> servers = each_;
  dns::Reply first = dns::silent("no name server is configured");
  for (std::size_t i = 0; i < servers.size(); ++i) {
    Answer<dns::Reply> answer = servers[i]->begin(name, type);
    dns::Reply reply = co_await answer.result();
    if (reply.answered()) co_return reply;
    if (i == 0) first = std::move(reply);
  }
  co_return first;
}

}  // namespace ecrelay::net
