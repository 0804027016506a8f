#include "rehearsal/sink.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <utility>

#include "core/escape.h"
#include "core/time.h"
#include "rehearsal/performance.h"

namespace ecrelay::rehearsal {
namespace {

void tell_failure(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ecrelay-sink: %s\n", printable(error.what()).c_str());
  }
}

asio::awaitable<void> perform(std::unique_ptr<Performance> performance) {
  co_await performance->run();
}

std::string line_of(const Received& message, const std::string& file) {
  boost::json::array recipients;
  for (const std::string& recipient : message.recipients) recipients.emplace_back(recipient);
  boost::json::object line;
  line["file"] = file;
  line["time"] = timestamp(now());
  line["client"] = message.client;
  line["helo"] = message.helo;
  line["tls"] = message.tls;
  line["user"] = message.user;
  line["sender"] = message.sender;
  line["recipients"] = std::move(recipients);
  line["size"] = message.content.size();
  return boost::json::serialize(line);
}

}  // namespace

Sink::Sink(asio::any_io_executor executor, SinkSettings settings)
    : executor_(executor), settings_(std::move(settings)), tasks_(executor, tell_failure) {
  if (settings_.folder.empty()) return;
  std::filesystem::create_directories(settings_.folder);
  // A sink that is started again goes on counting, so that no file is written over.
  while (std::filesystem::exists(settings_.folder / (std::to_string(messages_ + 1) + ".eml")))
    ++messages_;
  index_.open(settings_.folder / "messages.jsonl", std::ios::app);
  if (!index_)
    throw std::runtime_error("cannot write " + (settings_.folder / "messages.jsonl").string());
}

Result<net::Endpoint> Sink::listen(net::Endpoint at) {
  auto listener = net::Listener::open(executor_, at);
  if (!listener) return listener.error();
  listeners_.push_back(std::move(*listener));
  tasks_.spawn(listeners_.back().serve(
      [this](net::Stream stream) {
        tasks_.spawn(perform(std::make_unique<Performance>(*this, std::move(stream))));
      },
      [](const std::string& reason) {
        std::fprintf(stderr, "ecrelay-sink: %s\n", reason.c_str());
      }));
  return listeners_.back().local();
}

asio::awaitable<void> Sink::stop(net::Deadline deadline) {
  for (net::Listener& listener : listeners_) listener.stop();
  tasks_.request_stop();
  co_await tasks_.join(deadline);
}

void Sink::keep(const Received& message) {
  ++messages_;
  if (settings_.folder.empty()) return;
  const std::string name = std::to_string(messages_) + ".eml";
  std::ofstream file(settings_.folder / name, std::ios::binary);
  file << message.content;
  file.close();
  index_ << line_of(message, name) << '\n' << std::flush;
  if (!file || !index_)
    throw std::runtime_error("cannot write " + (settings_.folder / name).string());
}

}  // namespace ecrelay::rehearsal
