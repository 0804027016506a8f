#pragma once

#include <array>
#include <optional>

/// The order of an SMTP session (RFC 5321 4.1.4, 3030, 3207, 4954) as one table.
namespace ecrelay::smtp {

enum class State {
  fresh,   ///< no EHLO yet, or forgotten by TLS
  ready,   ///< no transaction
  mail,    ///< a sender, no recipient
  rcpt,    ///< a sender and recipients
  chunks,  ///< between two BDAT of a message
  data,    ///< in the lines of DATA: no commands from here on
  chunk,   ///< in the octets of a BDAT
  skip,    ///< in the octets of a BDAT that is refused
  auth,    ///< in an AUTH dialogue
  tls,     ///< 220 said to STARTTLS
  closed,
};

/// `http` is any verb of HTTP: a browser that was talked into speaking to us.
enum class Verb {
  helo,
  ehlo,
  starttls,
  auth,
  mail,
  rcpt,
  data,
  bdat,
  rset,
  noop,
  vrfy,
  expn,
  help,
  quit,
  http,
  unknown
};

/// A command that is legal in a state, and the state after it has been answered positively.
/// After a refusal the state stays, but for data and bdat, whose transaction is gone.
struct Transition {
  State from;
  Verb verb;
  State to;
};

inline constexpr auto transitions = std::to_array<Transition>({
    {State::fresh, Verb::helo, State::ready},   {State::fresh, Verb::ehlo, State::ready},
    {State::fresh, Verb::rset, State::fresh},   {State::fresh, Verb::noop, State::fresh},
    {State::fresh, Verb::vrfy, State::fresh},   {State::fresh, Verb::expn, State::fresh},
    {State::fresh, Verb::help, State::fresh},   {State::fresh, Verb::quit, State::closed},

    {State::ready, Verb::helo, State::ready},   {State::ready, Verb::ehlo, State::ready},
    {State::ready, Verb::starttls, State::tls}, {State::ready, Verb::auth, State::ready},
    {State::ready, Verb::mail, State::mail},    {State::ready, Verb::rset, State::ready},
    {State::ready, Verb::noop, State::ready},   {State::ready, Verb::vrfy, State::ready},
    {State::ready, Verb::expn, State::ready},   {State::ready, Verb::help, State::ready},
    {State::ready, Verb::quit, State::closed},

    {State::mail, Verb::helo, State::ready},    {State::mail, Verb::ehlo, State::ready},
    {State::mail, Verb::rcpt, State::rcpt},     {State::mail, Verb::rset, State::ready},
    {State::mail, Verb::noop, State::mail},     {State::mail, Verb::vrfy, State::mail},
    {State::mail, Verb::expn, State::mail},     {State::mail, Verb::help, State::mail},
    {State::mail, Verb::quit, State::closed},

    {State::rcpt, Verb::helo, State::ready},    {State::rcpt, Verb::ehlo, State::ready},
    {State::rcpt, Verb::rcpt, State::rcpt},     {State::rcpt, Verb::data, State::data},
    {State::rcpt, Verb::bdat, State::chunk},    {State::rcpt, Verb::rset, State::ready},
    {State::rcpt, Verb::noop, State::rcpt},     {State::rcpt, Verb::vrfy, State::rcpt},
    {State::rcpt, Verb::expn, State::rcpt},     {State::rcpt, Verb::help, State::rcpt},
    {State::rcpt, Verb::quit, State::closed},

    {State::chunks, Verb::helo, State::ready},  {State::chunks, Verb::ehlo, State::ready},
    {State::chunks, Verb::bdat, State::chunk},  {State::chunks, Verb::rset, State::ready},
    {State::chunks, Verb::noop, State::chunks}, {State::chunks, Verb::vrfy, State::chunks},
    {State::chunks, Verb::expn, State::chunks}, {State::chunks, Verb::help, State::chunks},
    {State::chunks, Verb::quit, State::closed},
});

/// The state after `verb` in `from`; nothing where it is out of order (503).
constexpr std::optional<State> after(State from, Verb verb) {
  for (const Transition& step : transitions) {
    if (step.from == from && step.verb == verb) return step.to;
  }
  return {};
}

constexpr bool unambiguous() {
  for (std::size_t i = 0; i < transitions.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (transitions[i].from == transitions[j].from &&
          transitions[i].verb == transitions[j].verb) {
        return false;
      }
    }
  }
  return true;
}

static_assert(unambiguous());
static_assert(!after(State::fresh, Verb::mail) && !after(State::fresh, Verb::auth));
static_assert(!after(State::ready, Verb::rcpt) && !after(State::ready, Verb::data));
static_assert(!after(State::mail, Verb::data) && !after(State::mail, Verb::bdat));
static_assert(!after(State::mail, Verb::mail) && !after(State::rcpt, Verb::mail));
static_assert(!after(State::mail, Verb::auth) && !after(State::rcpt, Verb::starttls));
static_assert(!after(State::chunks, Verb::data) && !after(State::chunks, Verb::rcpt));
static_assert(after(State::rcpt, Verb::ehlo) == State::ready);
static_assert(after(State::chunks, Verb::rset) == State::ready);
static_assert(!after(State::data, Verb::quit) && !after(State::tls, Verb::ehlo));

}  // namespace ecrelay::smtp
