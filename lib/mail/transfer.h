#pragma once

#include <string>
#include <string_view>

namespace ecrelay::mail {

/// A part's body as its Content-Transfer-Encoding means it, read as mail programs read it: what
/// does not belong into base64 is passed over, a bad quoted-printable escape stands for itself,
/// a part that was cut off gives what it has. An encoding that is none of these two changes
/// nothing. Linear, never an error.
std::string transfer_decoded(std::string_view encoding, std::string_view body);

}  // namespace ecrelay::mail
