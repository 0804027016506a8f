#include <string>
#include <string_view>

#include "target.h"
#include "unit/smtp/test_driver.h"

/// The client's machine hears an upstream that says anything, a line at a time: nothing that was
/// not said by the peer in good order is a success or a permanent failure, and it means the same
/// byte by byte.
namespace ecrelay::smtp {
namespace {

using fuzz::require;

void begin(Driver& driver, unsigned choice) {
  if ((choice & 1U) != 0) return;  // the input is the greeting
  driver.greet((choice & 2U) != 0   ? "PIPELINING\nCHUNKING\nDSN\nSTARTTLS\nAUTH PLAIN LOGIN"
               : (choice & 4U) != 0 ? "PIPELINING\nAUTH LOGIN"
                                    : "SIZE");
}

/// What a driver may ask of an idle client.
void go_on(Driver& driver, unsigned& choice) {
  if (!driver.client.idle()) return;
  switch ((choice >>= 3U) & 3U) {
    case 0:
      return driver.client.start_tls();
    case 1:
      return driver.client.log_in("user", Secret("secret"));
    default:
      return driver.send(message({"b@c.example", "d@e.example"}));
  }
}

void check(const Driver& driver) {
  for (const RecipientResult& result : driver.results) {
    if (result.origin == Origin::trouble) {
      require(result.reply.transient(), "trouble is tried again");
    }
    if (result.sent()) require(result.reply.positive(), "sent is what the peer took");
    const bool garbage = driver.client.closing() && driver.ended.cause == Ended::Cause::garbage;
    if (garbage && driver.events.ends_with("finished ended ")) {
      require(result.origin == Origin::trouble, "nothing of a garbled transaction is believed");
    }
  }
}

std::string hear(std::string_view input, unsigned choice, std::size_t step) {
  Driver driver;
  begin(driver, choice);
  std::string said = driver.said();
  go_on(driver, choice);
  while (!input.empty() && !driver.client.closing()) {
    said += driver.said();
    if (driver.events.ends_with("body ")) said += driver.write_body();
    if (driver.events.ends_with("handshake ")) driver.client.tls_started();
    driver.events.clear();
    const std::size_t line = input.find('\n');
    const std::string_view piece = input.substr(0, line == input.npos ? line : line + 1);
    input.remove_prefix(piece.size());
    said += driver.hear(piece, step);
    check(driver);
    said += "|" + driver.events + "|";
    if (driver.client.idle()) go_on(driver, choice);
    if (auto event = driver.client.next_event()) driver.on(*event);
  }
  driver.client.connection_lost("the end of the input");
  while (auto event = driver.client.next_event()) driver.on(*event);
  check(driver);
  require(driver.client.closing(), "a lost connection is the end");
  return said;
}

}  // namespace
}  // namespace ecrelay::smtp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ecrelay;
  std::string_view input = fuzz::text_of(data, size);
  const unsigned choice = fuzz::take_byte(input) << 8U | fuzz::take_byte(input);
  const std::string whole = smtp::hear(input, choice, 1 << 16U);
  fuzz::require(whole == smtp::hear(input, choice, 1), "the same however it is cut");
  return 0;
}
