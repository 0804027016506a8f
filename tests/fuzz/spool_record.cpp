#include "records/spool_record.h"

#include <string>
#include <string_view>

#include "target.h"

/// Spool records: what was written is read back, and nothing that was changed, cut or torn is.
namespace ecrelay::records {
namespace {

using fuzz::require;

std::string written(const Ulid& id, std::string_view head, std::string_view body) {
  const auto preamble = spool_preamble(id, head, body);
  require(preamble, "a small record can be written");
  return std::string(preamble->data(), preamble->size()) + std::string(head) + std::string(body);
}

void check_round_trip(const Ulid& id, std::string_view input, std::size_t change) {
  const std::string_view head = input.substr(0, input.size() / 2);
  const std::string_view body = input.substr(head.size());
  std::string record = written(id, head, body);
  const auto back = read_spool_record(id, record);
  require(back && back->head == head && back->body == body, "what was written is read back");
  require(!read_spool_record(id, record.substr(0, record.size() - 1)),
          "a record that was cut is none");
  record[change % record.size()] = static_cast<char>(record[change % record.size()] ^ 0x20);
  require(!read_spool_record(id, record), "a record with a changed bit is none");
}

}  // namespace
}  // namespace ecrelay::records

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ecrelay;
  std::string_view input = fuzz::text_of(data, size);
  const Ulid id;
  if (const auto body = records::read_spool_record(id, std::string(input))) {
    fuzz::require(records::written(id, body->head, body->body) == input, "one form of a record");
  }
  const std::size_t change = fuzz::take_byte(input) << 8U | fuzz::take_byte(input);
  records::check_round_trip(id, input, change);
  return 0;
}
