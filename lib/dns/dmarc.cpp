#include "dns/dmarc.h"

#include "core/escape.h"
#include "core/text.h"
#include "dns/tags.h"

namespace ecrelay::dns {

bool is_dmarc(std::string_view record) { return begins_with_version(record, "v=DMARC1"); }

Result<std::string> parse_dmarc(std::string_view record) {
  const Result<Tags> tags = Tags::parse(record);
  if (!tags) return tags.error();
  const std::string* version = tags->find("v");
  if (version == nullptr || *version != "DMARC1") return invalid("v= must be DMARC1");
  const std::string* given = tags->find("p");
  if (given == nullptr) return invalid("there is no p=");
  const std::string policy = text::lowered(*given);
  if (policy != "none" && policy != "quarantine" && policy != "reject") {
    return invalid("p=" + printable(*given, 64) + " is neither none, quarantine nor reject");
  }
  return policy;
}

}  // namespace ecrelay::dns
