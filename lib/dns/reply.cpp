#include "dns/reply.h"

#include <algorithm>
#include <utility>

namespace ecrelay::dns {
namespace {

constexpr std::size_t most_aliases = 16;

const Record* find(const Message& message, const std::string& owner, Type type) {
  const auto found =
      std::find_if(message.answers.begin(), message.answers.end(),
                   [&](const Record& each) { return each.type == type && each.owner == owner; });
  return found == message.answers.end() ? nullptr : &*found;
}

std::string code_text(Code code) {
  if (code == Code::servfail) return "SERVFAIL";
  if (code == Code::refused) return "REFUSED";
  return "error code " + std::to_string(static_cast<unsigned>(code));
}

}  // namespace

std::string_view text(Standing standing) {
  switch (standing) {
    case Standing::found:
      return "found";
    case Standing::no_data:
      return "no such record";
    case Standing::no_name:
      return "NXDOMAIN";
    case Standing::failed:
      return "failed";
    case Standing::silent:
      break;
  }
  return "no answer";
}

Reply failed(std::string detail) { return Reply{Standing::failed, {}, {}, std::move(detail)}; }
Reply silent(std::string detail) { return Reply{Standing::silent, {}, {}, std::move(detail)}; }

Reply read_reply(const Message& message, const std::string& name, Type type) {
  if (message.code != Code::no_error && message.code != Code::nxdomain) {
    return failed(code_text(message.code));
  }
  Reply reply;
  std::string owner = canonical(name);
  while (const Record* alias = find(message, owner, Type::cname)) {
    if (reply.aliases.size() == most_aliases) return failed("a CNAME chain without end");
    owner = alias->value;
    reply.aliases.push_back(owner);
  }
  for (const Record& record : message.answers) {
    if (record.type == type && record.owner == owner) reply.values.push_back(record.value);
  }
  std::sort(reply.values.begin(), reply.values.end());
  reply.standing = !reply.values.empty()            ? Standing::found
                   : message.code == Code::nxdomain ? Standing::no_name
                                                    : Standing::no_data;
  return reply;
}

}  // namespace ecrelay::dns
