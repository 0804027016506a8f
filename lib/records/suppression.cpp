#include "records/suppression.h"

#include "records/names.h"

namespace ecrelay::records {
namespace {

constexpr Names<Standing, 8> standing_names{{{Standing::blocks, "blocks"},
                                             {Standing::dry_run, "dry_run"},
                                             {Standing::lifted, "lifted"},
                                             {Standing::over, "over"},
                                             {Standing::untried, "untried"},
                                             {Standing::on_trial, "on_trial"},
                                             {Standing::alive, "alive"},
                                             {Standing::closed, "closed"}}};

}  // namespace

std::string_view text(Standing standing) { return name_of(standing_names, standing); }

}  // namespace ecrelay::records
