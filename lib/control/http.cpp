#include "control/http.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>

#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <utility>

#include "core/escape.h"

namespace ecrelay::control {
namespace {

namespace http = boost::beast::http;

HttpAnswer text(unsigned status, std::string body) {
  HttpAnswer answer;
  answer.status = status;
  answer.body = std::move(body) + "\n";
  return answer;
}

HttpAnswer readiness(const Status& status) {
  if (status.accepting) return text(200, "ready");
  return text(503, printable(status.refusing.empty() ? "does not accept mail" : status.refusing));
}

struct Head {
  std::string method;
  std::string target;
};

/// The request's head, or nothing when there is none to be had (and `bad` when it is no HTTP).
asio::awaitable<std::optional<Head>> read_head(net::Stream& stream, bool& bad) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(8192);
  std::string received;
  std::array<char, 2048> piece;
  const std::span<char> room(piece);
  while (!parser.is_header_done()) {
    const std::size_t count = co_await stream.read_some(room);
    if (count == 0) co_return std::nullopt;
    received.append(piece.data(), count);
    boost::beast::error_code failed;
    const std::size_t used = parser.put(asio::buffer(received), failed);
    received.erase(0, used);
    bad = failed && failed != http::error::need_more;
    if (bad) co_return std::nullopt;
  }
  Head head;
  head.method = std::string(parser.get().method_string());
  head.target = std::string(parser.get().target());
  co_return head;
}

std::string to_wire(const HttpAnswer& answer, bool with_body) {
  std::string wire = "HTTP/1.1 " + std::to_string(answer.status) + " " +
                     std::string(http::obsolete_reason(http::int_to_status(answer.status))) +
                     "\r\nContent-Type: " + answer.type +
                     "\r\nContent-Length: " + std::to_string(answer.body.size()) +
                     "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
  if (answer.status == 405) wire += "Allow: GET, HEAD\r\n";
  wire += "Connection: close\r\n\r\n";
  return with_body ? wire + answer.body : wire;
}

asio::awaitable<void> answer_one(net::Stream& stream, const Monitored& monitored) {
  bool bad = false;
  const std::optional<Head> head = co_await read_head(stream, bad);
  if (!head && !bad) co_return;
  HttpAnswer answer = text(400, "no HTTP request");
  if (head) answer = answer_http(head->method, head->target, monitored);
  const std::string wire = to_wire(answer, !head || head->method != "HEAD");
  co_await stream.write(wire);
}

}  // namespace

HttpAnswer answer_http(std::string_view method, std::string_view target,
                       const Monitored& monitored) {
  if (method != "GET" && method != "HEAD") return text(405, "only GET");
  target = target.substr(0, target.find('?'));
  if (target == "/healthz") return text(200, "ok");
  if (target == "/readyz") return readiness(monitored.status());
  if (target != "/metrics") return text(404, "here are /healthz, /readyz and /metrics");
  HttpAnswer answer;
  answer.type = "text/plain; version=0.0.4; charset=utf-8";
  answer.body = monitored.metrics(monitored.status());
  return answer;
}

asio::awaitable<void> serve_http_request(net::Stream stream, Monitored monitored) {
  stream.set_deadline(net::after(std::chrono::seconds(10)));
  try {
    co_await answer_one(stream, monitored);
  } catch (const net::IoError&) {
    co_return;  // the client went away, or was too slow
  }
  co_await stream.close();
}

}  // namespace ecrelay::control
