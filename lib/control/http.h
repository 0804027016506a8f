#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "control/status.h"
#include "net/stream.h"

namespace ecrelay::control {

struct HttpAnswer {
  unsigned status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

/// What monitoring is told; called for each request.
struct Monitored {
  std::function<Status()> status;
  std::function<std::string(const Status&)> metrics;
};

/// GET /healthz: 200 while the process serves. GET /readyz: 200 only while it accepts mail, else
/// 503 with the reason. GET /metrics. HEAD as GET; any other method is 405, any other target 404.
HttpAnswer answer_http(std::string_view method, std::string_view target,
                       const Monitored& monitored);

/// One request, one answer, closed. A head over 8 KiB or one that takes over 10 s ends it.
asio::awaitable<void> serve_http_request(net::Stream stream, Monitored monitored);

}  // namespace ecrelay::control
