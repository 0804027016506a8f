#include "records/charge.h"

#include "records/names.h"

namespace ecrelay::records {
namespace {

constexpr Names<Unit, 2> unit_names{{{Unit::message, "message"}, {Unit::recipient, "recipient"}}};
constexpr Names<EntryKind, 3> kind_names{{{EntryKind::charge, "charge"},
                                          {EntryKind::reversal, "reversal"},
                                          {EntryKind::adjustment, "adjustment"}}};

}  // namespace

std::string_view text(Unit unit) { return name_of(unit_names, unit); }
std::optional<Unit> parse_unit(std::string_view text) { return value_of(unit_names, text); }

std::string_view text(EntryKind kind) { return name_of(kind_names, kind); }
std::optional<EntryKind> parse_entry_kind(std::string_view text) {
  return value_of(kind_names, text);
}

}  // namespace ecrelay::records
