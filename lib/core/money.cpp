#include "core/money.h"

#include "core/text.h"

namespace ecrelay {

Result<Money> Money::parse(std::string_view yen) {
  const auto bad = [&] {
    return invalid(
        "'" + std::string(yen) +
        "' is not an amount: write yen as in \"0.1\" or \"50000\", three decimals at most");
  };
  std::string_view rest = yen;
  const bool negative = rest.starts_with('-');
  if (negative) rest.remove_prefix(1);
  const auto point = rest.find('.');
  const std::string_view whole = rest.substr(0, point);
  std::string decimals(point == std::string_view::npos ? "0" : rest.substr(point + 1));
  if (decimals.empty() || decimals.size() > 3 || whole.size() > 15) return bad();
  decimals.resize(3, '0');
  const auto units = text::number(whole);
  const auto thousandths = text::number(decimals);
  if (!units || !thousandths) return bad();
  const auto total = static_cast<std::int64_t>(*units * 1000 + *thousandths);
  return milli_yen(negative ? -total : total);
}

std::string Money::exact() const {
  const bool negative = milli_yen_ < 0;
  // Unsigned negation: the most negative count has no positive twin.
  const auto count = negative ? 0 - static_cast<std::uint64_t>(milli_yen_)
                              : static_cast<std::uint64_t>(milli_yen_);
  std::string decimals = std::to_string(1000 + count % 1000).substr(1);
  while (decimals.size() > 1 && decimals.back() == '0') decimals.pop_back();
  return (negative ? "-" : "") + std::to_string(count / 1000) + "." + decimals;
}

}  // namespace ecrelay
