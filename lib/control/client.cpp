#include "control/client.h"

#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <utility>

#include "net/local.h"
#include "net/task_group.h"

namespace ecrelay::control {
namespace {

Reply no_answer(std::string_view why) {
  return Fault(FaultCode::internal, "the daemon gave no answer (" + std::string(why) +
                                        "): look with trace or audit before you try again");
}

asio::awaitable<Reply> converse(net::LocalStream& stream, std::string line) {
  try {
    co_await stream.write(line);
    const std::optional<std::string> answer = co_await stream.read_line(max_reply);
    co_return answer ? parse_reply(*answer) : no_answer("it closed the connection");
  } catch (const net::IoError& error) {
    co_return no_answer(error.what());
  }
}

asio::awaitable<void> ask_once(const std::string& path, std::string line, net::Deadline deadline,
                               std::optional<Result<Reply>>& reply) {
  auto stream = co_await net::connect_local(path, deadline);
  if (!stream) {
    reply.emplace(stream.error());
    co_return;
  }
  stream->stream().set_deadline(deadline);
  Reply answer = co_await converse(*stream, std::move(line));
  reply.emplace(std::move(answer));
}

}  // namespace

Result<Reply> ask(const std::string& path, const Request& request, std::chrono::seconds patience) {
  asio::io_context context(1);
  std::exception_ptr failed;
  std::optional<Result<Reply>> reply;
  net::TaskGroup tasks(context.get_executor(),
                       [&](std::exception_ptr failure) { failed = std::move(failure); });
  tasks.spawn(ask_once(path, to_line(request) + "\n", net::after(patience), reply));
  context.run();
  if (failed) std::rethrow_exception(failed);
  return std::move(*reply);
}

}  // namespace ecrelay::control
