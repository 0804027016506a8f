#include "dns/message.h"

#include <optional>

#include "core/network.h"
#include "core/text.h"

namespace ecrelay::dns {
namespace {

constexpr std::size_t header_size = 12;
constexpr std::size_t most_answers = 1000;
constexpr std::size_t longest_name = 255;

/// Reads the message from front to back; after the first fault everything reads as nothing.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  bool failed() const { return failed_; }
  std::size_t at() const { return at_; }
  void move_to(std::size_t at) { at_ = at; }

  std::uint8_t octet() {
    if (at_ >= bytes_.size()) return fail(), std::uint8_t{0};
    return static_cast<std::uint8_t>(bytes_[at_++]);
  }
  std::uint16_t word() {
    const unsigned high = octet();
    return static_cast<std::uint16_t>(high << 8 | octet());
  }
  std::uint32_t double_word() {
    const std::uint32_t high = word();
    return high << 16 | word();
  }
  std::string_view take(std::size_t count) {
    if (count > bytes_.size() - at_) return fail(), std::string_view();
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }
  std::string name();

 private:
  void fail() {
    failed_ = true;
    at_ = bytes_.size();
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

void add_label(std::string& name, std::string_view label) {
  if (!name.empty()) name += '.';
  for (const char c : label) {
    if (text::is_alnum(c) || c == '-' || c == '_') {
      name += text::lower(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    name += '\\';
    name += static_cast<char>('0' + byte / 100);
    name += static_cast<char>('0' + byte / 10 % 10);
    name += static_cast<char>('0' + byte % 10);
  }
}

/// RFC 1035 4.1.4. A pointer must lead to before the place where its part of the name began: then
/// none is followed twice.
std::string Reader::name() {
  std::string name;
  std::size_t length = 0;
  std::size_t began = at_;
  std::optional<std::size_t> after;
  for (;;) {
    const std::size_t label = octet();
    if (failed_ || label == 0) break;
    if (label < 64) {
      length += label + 1;
      if (length > longest_name) return fail(), std::string();
      add_label(name, take(label));
      continue;
    }
    const std::size_t target = (label & 0x3fU) << 8 | octet();
    if (label < 192 || target >= began) return fail(), std::string();
    if (!after) after = at_;
    began = target;
    at_ = target;
  }
  if (after && !failed_) at_ = *after;
  return name;
}

std::string joined_strings(Reader& reader, std::size_t length) {
  const std::size_t end = reader.at() + length;
  std::string text;
  while (reader.at() < end && !reader.failed()) text += reader.take(reader.octet());
  return text;
}

std::string address(std::string_view data) {
  std::string text;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const auto byte = static_cast<unsigned char>(data[i]);
    if (data.size() == 4) {
      text += (i > 0 ? "." : "") + std::to_string(byte);
      continue;
    }
    constexpr std::string_view digits = "0123456789abcdef";
    if (i > 0 && i % 2 == 0) text += ':';
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  const auto parsed = IpAddress::parse(text);
  return parsed ? parsed->text() : std::string();
}

/// The value of a record whose data is the next `length` bytes; "" for one that has none.
std::string value_of(Reader& reader, Type type, std::size_t length) {
  switch (type) {
    case Type::a:
    case Type::aaaa:
      return address(reader.take(length));
    case Type::txt:
      return joined_strings(reader, length);
    case Type::ns:
    case Type::cname:
      return reader.name();
    case Type::mx:
      break;
  }
  const std::string preference = std::to_string(reader.word());
  const std::string host = reader.name();
  return preference + " " + (host.empty() ? "." : host);
}

bool known(Type type) { return !text(type).empty(); }

}  // namespace

std::string_view text(Type type) {
  switch (type) {
    case Type::a:
      return "A";
    case Type::ns:
      return "NS";
    case Type::cname:
      return "CNAME";
    case Type::mx:
      return "MX";
    case Type::txt:
      return "TXT";
    case Type::aaaa:
      return "AAAA";
  }
  return "";
}

std::string canonical(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return text::lowered(name);
}

std::string_view parent(std::string_view name) {
  const auto dot = name.find('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
}

Result<Message> parse_message(std::string_view bytes) {
  Reader reader(bytes);
  reader.word();  // the id, which is the transport's matter
  const std::uint16_t flags = reader.word();
  const std::size_t questions = reader.word();
  const std::size_t answers = reader.word();
  reader.move_to(header_size);
  if (bytes.size() < header_size || (flags & 0x8000U) == 0) return invalid("not a reply of DNS");
  Message message;
  message.code = static_cast<Code>(flags & 15U);
  message.authoritative = (flags & 0x0400U) != 0;
  for (std::size_t i = 0; i < questions && !reader.failed(); ++i) {
    reader.name();
    reader.double_word();  // type and class
  }
  for (std::size_t i = 0; i < answers && !reader.failed(); ++i) {
    Record record;
    record.owner = reader.name();
    record.type = static_cast<Type>(reader.word());
    const bool internet = reader.word() == 1;
    record.ttl = reader.double_word();
    const std::size_t length = reader.word();
    const std::size_t end = reader.at() + length;
    if (reader.failed() || end > bytes.size()) return invalid("a reply of DNS that is cut off");
    if (internet && known(record.type)) {
      record.value = value_of(reader, record.type, length);
      if (reader.failed() || reader.at() > end) return invalid("a record that runs out of itself");
      message.answers.push_back(std::move(record));
    }
    reader.move_to(end);
    if (message.answers.size() > most_answers)
      return invalid("a reply of DNS with too many answers");
  }
  if (reader.failed()) return invalid("a reply of DNS that is cut off");
  return message;
}

}  // namespace ecrelay::dns
