#include "dns/judge.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/escape.h"
#include "dns/dkim_record.h"
#include "dns/dmarc.h"
#include "dns/spf_count.h"

namespace ecrelay::dns {
namespace {

constexpr auto states = std::to_array<std::pair<State, std::string_view>>({
    {State::ok, "ok"},
    {State::waiting, "waiting"},
    {State::absent, "absent"},
    {State::differs, "differs"},
    {State::unknown, "unknown"},
});

/// What one reply comes to.
struct Verdict {
  State state = State::unknown;
  std::vector<std::string> remarks;
};

Verdict differs(std::string remark) { return Verdict{State::differs, {std::move(remark)}}; }
Verdict fine() { return Verdict{State::ok, {}}; }

std::vector<std::string> those(const std::vector<std::string>& values,
                               bool (*wanted)(std::string_view)) {
  std::vector<std::string> kept;
  std::copy_if(values.begin(), values.end(), std::back_inserter(kept), wanted);
  return kept;
}

Verdict nothing(const Reply& reply, const std::string& what) {
  Verdict verdict{State::absent, {}};
  if (reply.standing == Standing::no_name) {
    verdict.remarks.push_back("NXDOMAIN: the name does not exist");
  } else if (reply.standing == Standing::no_data) {
    verdict.remarks.push_back("the name exists, without " + what);
  } else {
    verdict.remarks.push_back("there are other records of this name, but no " + what);
  }
  return verdict;
}

// --- DKIM ---------------------------------------------------------------------------------

Verdict wrong_key(const DkimRecord& found) {
  std::string text = "another key than the relay signs with";
  if (found.algorithm == "rsa" && found.bits < 1024) {
    text += "; it has " + std::to_string(found.bits) + " bits, receivers refuse fewer than 1024";
  } else if (found.algorithm == "rsa" && found.bits < 2048) {
    text += "; it is weak: " + std::to_string(found.bits) + " bits, use 2048";
  }
  return differs(std::move(text));
}

Verdict compare_keys(const DkimRecord& found, const DkimRecord& wanted) {
  if (found.key.empty()) return differs("the key is revoked: p= is empty");
  if (found.algorithm != wanted.algorithm || found.key != wanted.key) return wrong_key(found);
  if (!found.for_mail) return differs("s= does not allow the key for mail");
  if (!found.sha256) return differs("h= does not allow sha256");
  Verdict verdict = fine();
  if (found.algorithm == "rsa" && found.bits < 2048)
    verdict.remarks.push_back("the key is weak: " + std::to_string(found.bits) + " bits, use 2048");
  if (found.testing)
    verdict.remarks.push_back("t=y: receivers treat its mail as unsigned; take it away");
  return verdict;
}

Verdict judge_key(const Wanted& wanted, const Reply& reply) {
  const std::vector<std::string> records = those(reply.values, is_dkim);
  if (records.empty()) return nothing(reply, "DKIM key");
  if (records.size() > 1)
    return differs(std::to_string(records.size()) + " keys of one name: receivers take any one");
  const Result<DkimRecord> found = parse_dkim(records.front());
  if (!found) return differs("syntax error: " + found.error().detail);
  const Result<DkimRecord> ours = parse_dkim(wanted.key);
  return ours ? compare_keys(*found, *ours) : differs(ours.error().detail);
}

// --- SPF ----------------------------------------------------------------------------------

std::string in_words(const std::vector<SpfTerm>& terms) {
  std::string text;
  for (const SpfTerm& term : terms) text += (text.empty() ? "" : " ") + term.text();
  return text;
}

bool lets_everybody(const std::vector<SpfTerm>& terms) {
  return std::any_of(terms.begin(), terms.end(), [](const SpfTerm& term) {
    return term.qualifier == '+' && !term.modifier &&
           (term.name == "all" || term.value.ends_with("/0"));
  });
}

bool has_end(const std::vector<SpfTerm>& terms) {
  return std::any_of(terms.begin(), terms.end(),
                     [](const SpfTerm& term) { return term.ends_record(); });
}

Verdict judge_spf(const Wanted& wanted, const Reply& reply) {
  const std::vector<std::string> records = those(reply.values, is_spf);
  if (records.empty()) return nothing(reply, "SPF record");
  if (records.size() > 1)
    return differs(std::to_string(records.size()) +
                   " SPF records, which is an error (RFC 7208 4.5): make them one");
  const auto terms = parse_spf(records.front());
  if (!terms) return differs("syntax error: " + terms.error().detail);
  Verdict verdict = fine();
  if (lets_everybody(*terms)) {
    verdict.state = State::differs;
    verdict.remarks.push_back("+all lets everybody send as this domain: write ~all or -all");
  }
  if (const auto missing = missing_terms(*terms, wanted.spf); !missing.empty()) {
    verdict.state = State::differs;
    verdict.remarks.push_back(in_words(missing) + " is missing");
  }
  if (!has_end(*terms)) verdict.remarks.push_back("it ends without all: write ~all or -all");
  return verdict;
}

// --- return path and DMARC ----------------------------------------------------------------

std::string host_of(const std::string& mx) { return mx.substr(mx.find(' ') + 1); }

Verdict judge_return_path(const Wanted& wanted, const Reply& reply) {
  const bool alias = wanted.type == Type::cname;
  if (alias &&
      std::find(reply.aliases.begin(), reply.aliases.end(), wanted.value) != reply.aliases.end())
    return fine();
  if (reply.values.empty() && reply.aliases.empty()) return nothing(reply, "MX or CNAME");
  if (alias) return differs("it does not lead to " + wanted.value);
  const std::string host = host_of(wanted.value);
  const auto is_ours = [&](const std::string& mx) { return host_of(mx) == host; };
  const auto ours = std::count_if(reply.values.begin(), reply.values.end(), is_ours);
  if (ours == 0) return differs("reports go elsewhere than to " + host);
  if (static_cast<std::size_t>(ours) < reply.values.size())
    return differs("other servers stand beside " + host + ": reports that they take are lost");
  return fine();
}

Verdict judge_dmarc(const Wanted&, const Reply& reply) {
  const std::vector<std::string> records = those(reply.values, is_dmarc);
  if (records.empty()) return nothing(reply, "DMARC record");
  if (records.size() > 1)
    return differs(std::to_string(records.size()) + " DMARC records: receivers take none of them");
  const Result<std::string> policy = parse_dmarc(records.front());
  return policy ? fine() : differs("syntax error: " + policy.error().detail);
}

Verdict judge_reply(const Wanted& wanted, const Reply& reply) {
  if (!reply.answered()) return Verdict{State::unknown, {}};
  switch (wanted.purpose) {
    case Purpose::dkim:
      return judge_key(wanted, reply);
    case Purpose::spf:
      return judge_spf(wanted, reply);
    case Purpose::return_path:
      return judge_return_path(wanted, reply);
    case Purpose::dmarc:
      break;
  }
  return judge_dmarc(wanted, reply);
}

// --- all servers together -----------------------------------------------------------------

/// The servers of a zone, and the resolver, each with its verdict.
struct Judged {
  const View& view;
  Verdict verdict;
};

std::string why_silent(const View& view) {
  return view.server + ": " + (view.reply.detail.empty() ? "no answer" : view.reply.detail);
}

void take(Finding& finding, State state, const Judged& from) {
  finding.state = state;
  finding.found = from.view.reply.values;
  finding.aliases = from.view.reply.aliases;
  for (const std::string& remark : from.verdict.remarks) finding.remarks.push_back(remark);
}

bool is(const Judged& judged, State state) { return judged.verdict.state == state; }

/// What counts is what the zone's servers say: the resolver may remember an older answer.
void combine(Finding& finding, const std::vector<Judged>& zone, const Judged& resolver) {
  const auto with = [&](State state) {
    return std::find_if(zone.begin(), zone.end(),
                        [&](const Judged& each) { return is(each, state); });
  };
  const auto good = with(State::ok);
  const auto bad = with(State::differs) != zone.end() ? with(State::differs) : with(State::absent);
  if (good == zone.end() && bad == zone.end())
    return take(finding, resolver.verdict.state, resolver);
  if (good == zone.end()) {
    take(finding, bad->verdict.state, *bad);
    if (is(resolver, State::ok))
      finding.remarks.push_back(resolver.view.server + " still has it from before");
    return;
  }
  const bool everywhere =
      bad == zone.end() && (is(resolver, State::ok) || is(resolver, State::unknown));
  take(finding, everywhere ? State::ok : State::waiting, *good);
  if (bad != zone.end()) {
    finding.remarks.push_back(bad->view.server + " does not have it, " + good->view.server +
                              " has: the servers of the zone disagree");
  } else if (!everywhere) {
    finding.remarks.push_back(resolver.view.server +
                              " still has the older answer: wait for its time to live");
  }
}

void tell_silence(Finding& finding, const Sighting& sighting) {
  for (const View& view : sighting.authorities) {
    if (!view.reply.answered()) finding.remarks.push_back(why_silent(view));
  }
  if (!sighting.resolver.reply.answered()) finding.remarks.push_back(why_silent(sighting.resolver));
  if (sighting.authorities.empty())
    finding.remarks.push_back("the name servers of its zone could not be found");
}

void judge_lookups(Finding& finding, const Sighting& sighting) {
  finding.lookups = sighting.lookups;
  const bool there = finding.state == State::ok || finding.state == State::differs ||
                     finding.state == State::waiting;
  if (!there) return;
  if (sighting.lookups > most_lookups) {
    finding.state = State::differs;
    finding.remarks.push_back((sighting.lookups < 20 ? "" : "at least ") +
                              std::to_string(sighting.lookups) +
                              " look-ups, and 10 are allowed (RFC 7208 4.6.4): receivers give up");
  }
  for (const std::string& fault : sighting.spf_faults) {
    finding.state = State::differs;
    finding.remarks.push_back(fault);
  }
}

void judge_inheritance(Finding& finding, const Sighting& sighting) {
  if (finding.state != State::absent || !sighting.inherited) return;
  const View& parent = *sighting.inherited;
  const Verdict verdict = judge_dmarc(finding.wanted, parent.reply);
  if (verdict.state != State::ok) return;
  finding.state = State::ok;
  finding.found = parent.reply.values;
  finding.remarks.assign(1, "inherited from " + parent.server);
}

std::vector<std::string> published_spf(const Sighting& sighting) {
  for (const View& view : sighting.authorities) {
    if (view.reply.answered()) return those(view.reply.values, is_spf);
  }
  return those(sighting.resolver.reply.values, is_spf);
}

/// Records of others for the same purpose are kept in what is to be published.
std::string to_publish(const Wanted& wanted, const Sighting& sighting) {
  if (wanted.purpose != Purpose::spf || wanted.spf.empty()) return wanted.value;
  const std::string_view end = wanted.value.ends_with("-all") ? "-all" : "~all";
  std::string merged = merged_spf(published_spf(sighting), wanted.spf, end);
  // Nobody who adds an include means to keep an open door.
  for (const std::string_view open : {" all", " +all"}) {
    if (merged.ends_with(open)) merged.replace(merged.size() - open.size(), open.size(), " ~all");
  }
  return merged;
}

}  // namespace

std::string_view text(State state) {
  return std::find_if(states.begin(), states.end(),
                      [&](const auto& each) { return each.first == state; })
      ->second;
}

std::optional<State> parse_state(std::string_view text) {
  const auto* found = std::find_if(states.begin(), states.end(),
                                   [&](const auto& each) { return each.second == text; });
  if (found == states.end()) return std::nullopt;
  return found->first;
}

std::string spf_to_count(const Wanted& wanted, const Sighting& sighting) {
  const std::vector<std::string> published = published_spf(sighting);
  if (published.size() == 1 && wanted.spf.empty()) return published.front();
  return to_publish(wanted, sighting);
}

Finding judge(const Wanted& wanted, const Sighting& sighting) {
  Finding finding;
  finding.wanted = wanted;
  finding.publish = to_publish(wanted, sighting);
  std::vector<Judged> zone;
  for (const View& view : sighting.authorities) {
    zone.push_back(Judged{view, judge_reply(wanted, view.reply)});
  }
  combine(finding, zone, Judged{sighting.resolver, judge_reply(wanted, sighting.resolver.reply)});
  if (wanted.purpose == Purpose::spf) judge_lookups(finding, sighting);
  if (wanted.purpose == Purpose::dmarc) judge_inheritance(finding, sighting);
  if (finding.aliases.size() > 1) {
    std::string chain = wanted.name;
    for (const std::string& alias : finding.aliases) chain += " → " + printable(alias, 255);
    finding.remarks.push_back("a chain of CNAMEs: " + chain);
  }
  tell_silence(finding, sighting);
  return finding;
}

bool Report::ok() const {
  return std::all_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.state == State::ok || (finding.state == State::absent && !finding.wanted.needed);
  });
}

}  // namespace ecrelay::dns
