#pragma once

#include "core/result.h"
#include "net/stream.h"

namespace ecrelay::net {

/// A TCP connection to `to`, or `unavailable` with the reason ("connect to 192.0.2.1:25:
/// Connection refused", "… timed out"). The deadline is not carried over to the stream. A stop
/// request throws IoError(stopped).
asio::awaitable<Result<Stream>> connect(Endpoint to, Deadline deadline);

}  // namespace ecrelay::net
