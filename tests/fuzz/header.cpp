#include "mail/header.h"

#include <string>
#include <string_view>

#include "core/escape.h"
#include "core/text.h"
#include "mail/compose.h"
#include "mail/encoded_word.h"
#include "mail/mailbox_list.h"
#include "mail/submission.h"
#include "target.h"

/// The header of a message: no byte is lost or invented, what is composed reads as it was meant,
/// and the addresses of From are told or refused, never guessed.
namespace ecrelay::mail {
namespace {

using fuzz::require;

void check_composed(const HeaderSection& header, std::string_view message) {
  Composition facts;
  facts.hostname = "relay-1.example.jp";
  facts.message_id_domain = "shop-a.example";
  facts.helo = std::string(message.substr(0, 80));
  facts.client = *IpAddress::parse("192.0.2.1");
  const Composed composed = compose(header, facts);
  const std::string wire = composed.head + std::string(composed.body);
  const auto again = HeaderSection::scan(wire, {1U << 30U, 100'000});
  require(again, "what is composed has a header");
  require(again->body_offset() == composed.head.size(), "and the same boundary");
  require(again->stray_lines().empty(), "of fields only");
  require(again->fields().front().is("Received"), "with our Received on top");
  require(again->count("Bcc") == 0, "without Bcc");
  std::size_t kept = 0;
  for (const Field& field : again->fields()) {
    require(!text::istarts_with(field.name, option_prefix), "without our own fields");
    if (field.is("From")) ++kept;
  }
  require(kept == header.count("From"), "From is neither lost nor invented");
}

void check_message(std::string_view message) {
  const auto header = HeaderSection::scan(message);
  if (!header) return;
  std::size_t bytes = header->has_empty_line() ? 2 : 0;
  for (const Field& field : header->fields()) bytes += field.raw.size();
  for (const std::string_view line : header->stray_lines()) bytes += line.size();
  require(bytes == header->body_offset(), "no byte of the header is lost");
  require(header->body_offset() + header->body().size() == message.size(), "nor of the body");
  const Submission submission = read_submission(*header, "relay-1.example.jp");
  if (submission.faults.empty()) {
    require(header->count("From") == 1 && !submission.from.empty(), "one From that was read");
  }
  for (const Fault& fault : submission.faults) {
    for (const char c : fault.text) require(c >= ' ' && c <= '~', "a fault is told in plain ASCII");
  }
  check_composed(*header, message);
}

void check_value(std::string_view value) {
  if (const auto list = parse_mailbox_list(value)) {
    require(!list->empty() && list->size() <= 100, "one to a hundred addresses");
    for (const Address& address : *list) {
      require(value.find(address.domain()) != value.npos, "every domain stands in the value");
    }
  }
  const std::string words = decode_encoded_words(value, 512);
  require(words.size() <= 512, "decoded words keep their limit");
  const std::string shown = printable(words);
  for (const char c : shown) require(!text::is_control(c), "what is shown controls nothing");
}

}  // namespace
}  // namespace ecrelay::mail

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = ecrelay::fuzz::text_of(data, size);
  ecrelay::mail::check_message(input);
  ecrelay::mail::check_value(input);
  return 0;
}
