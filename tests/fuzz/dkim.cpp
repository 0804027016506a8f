#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dkim/signer.h"
#include "target.h"

/// The two engines sign the same, or both refuse: whatever intake lets through, which is lines that
/// end in CRLF and no NUL.
namespace {

using namespace ecrelay;

bool can_come(std::string_view message) {
  for (std::size_t i = 0; i < message.size(); ++i) {
    const bool after_cr = i > 0 && message[i - 1] == '\r';
    if (message[i] == '\0' || after_cr != (message[i] == '\n')) return false;
  }
  return !message.ends_with('\r');
}

struct Engines {
  Engines() {
    identities.push_back(
        {"shop-a.example", "r1", *dkim::Key::generate(dkim::Algorithm::rsa_sha256)});
  }
  std::vector<dkim::Identity> identities;
  std::unique_ptr<dkim::Signer> reference = dkim::make_opendkim_signer();
  std::unique_ptr<dkim::Signer> cached = dkim::make_cached_signer();
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Engines engines;
  const std::string_view input = fuzz::text_of(data, size);
  if (!can_come(input)) return 0;
  const std::size_t empty_line = input.find("\r\n\r\n");
  const bool whole = empty_line == input.npos;
  const std::string_view head = input.substr(0, whole ? input.size() : empty_line + 4);
  const std::string_view body = input.substr(head.size());
  const std::vector<std::string_view> pieces{body.substr(0, body.size() / 2),
                                             body.substr(body.size() / 2)};
  const TimePoint at{std::chrono::seconds(1'720'000'000)};
  const auto one = engines.reference->sign(head, pieces, engines.identities, at);
  const auto other = engines.cached->sign(head, pieces, engines.identities, at);
  fuzz::require(static_cast<bool>(one) == static_cast<bool>(other),
                "both engines sign or both refuse");
  if (one) fuzz::require(*one == *other, "both engines give the same bytes");
  return 0;
}
