#include "smtp/stage.h"

namespace ecrelay::smtp {

std::string_view to_text(Stage stage) {
  switch (stage) {
    case Stage::connect:
      return "connect";
    case Stage::greeting:
      return "greeting";
    case Stage::hello:
      return "hello";
    case Stage::starttls:
      return "starttls";
    case Stage::auth:
      return "auth";
    case Stage::mail:
      return "mail";
    case Stage::rcpt:
      return "rcpt";
    case Stage::data:
      return "data";
    case Stage::dot:
      return "dot";
    case Stage::quit:
      return "quit";
  }
  return "";
}

std::chrono::seconds reply_time_limit(Stage stage) {
  using namespace std::chrono_literals;
  switch (stage) {
    case Stage::connect:
      return 30s;
    case Stage::data:
      return 2min;
    case Stage::dot:
      return 10min;
    case Stage::quit:
      return 10s;
    default:
      return 5min;
  }
}

}  // namespace ecrelay::smtp
