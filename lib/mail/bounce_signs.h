#pragma once

#include <string_view>

namespace ecrelay::mail {

/// From names a program that writes bounces: mailer-daemon, postmaster and their kin.
bool names_bounce_writer(std::string_view from);

/// A subject (decoded) that servers give their bounces, in the languages of BOUNCE_RULES and more.
bool is_bounce_subject(std::string_view subject);

/// The sentences with which mail servers open a bounce. No person and no automatic reply writes
/// them, so they tell one where neither From nor Subject does.
bool frames_bounce(std::string_view words);

/// The text says of itself that nothing is final: a warning about delay. A text that also says
/// that delivery was given up is none.
bool tells_of_delay(std::string_view text);

}  // namespace ecrelay::mail
