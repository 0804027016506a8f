#include "configuration.h"

#include <utility>

#include "config/loader.h"
#include "core/escape.h"
#include "core/text.h"

namespace ecrelay {
namespace {

records::PointThreshold threshold(const config::PointThreshold& from) {
  return {from.points, from.days, from.span};
}

log::Level level_of(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::debug:
      return log::Level::debug;
    case config::LogLevel::warn:
      return log::Level::warning;
    case config::LogLevel::error:
      return log::Level::error;
    case config::LogLevel::info:
      break;
  }
  return log::Level::info;
}

std::shared_ptr<const dkim::Signer> make_signer(const config::Settings& settings) {
  auto reference = dkim::make_opendkim_signer();
  if (settings.dkim.engine == config::DkimEngine::libopendkim) return reference;
  return dkim::make_guarded_signer(dkim::make_cached_signer(), std::move(reference));
}

/// One reading from beginning to end.
class ReadingOfFile {
 public:
  ReadingOfFile(const std::filesystem::path& file, TimePoint at, const Known& known)
      : name_(printable(file.string(), 1000)),
        at_(at),
        known_(known),
        loaded_(config::load(file)) {}

  ConfigurationOutcome run() {
    for (const config::Problem& error : loaded_.errors) outcome_.errors.push_back(error.text());
    for (const config::Problem& warning : loaded_.warnings)
      outcome_.warnings.push_back(warning.text());
    if (loaded_.settings) build(std::move(*loaded_.settings));
    return std::move(outcome_);
  }

 private:
  /// Errors of all parts, not only of the first that has some.
  void build(config::Settings settings) {
    auto signer = known_.signer ? known_.signer : make_signer(settings);
    auto plan = dispatch::make_plan(settings, known_.routes, at_);
    intake::SiteOutcome site =
        intake::build_site(std::move(settings), *signer, at_, known_.site.get());
    for (const std::string& error : site.errors) complain(error);
    for (const std::string& warning : site.warnings)
      outcome_.warnings.push_back(name_ + ": warning: " + printable(warning, 2000));
    if (!plan) complain(plan.error().detail);
    if (!site.site) return;
    auto terms = reports::make_terms(settings_of(site.site), at_, known_.terms.get());
    if (!terms) complain(terms.error().detail);
    if (!outcome_.errors.empty()) return;
    outcome_.configuration.emplace(Configuration{std::move(signer), std::move(site.site),
                                                 std::move(*plan), std::move(*terms)});
  }

  void complain(const std::string& lines) {
    for (const std::string_view line : text::split(lines, '\n'))
      outcome_.errors.push_back(name_ + ": error: " + printable(line, 2000));
  }

  std::string name_;
  TimePoint at_;
  const Known& known_;
  config::LoadOutcome loaded_;
  ConfigurationOutcome outcome_;
};

}  // namespace

ConfigurationOutcome read_configuration(const std::filesystem::path& file, TimePoint at,
                                        const Known& known) {
  return ReadingOfFile(file, at, known).run();
}

std::shared_ptr<const config::Settings> settings_of(std::shared_ptr<const intake::Site> site) {
  const config::Settings* settings = &site->settings;
  return {std::move(site), settings};
}

records::ListRules list_rules(const config::Suppression& from) {
  records::ListRules rules;
  rules.dry_run = from.dry_run;
  rules.mailbox = threshold(from.mailbox);
  rules.delivery = threshold(from.delivery);
  rules.points_window = from.points_window;
  rules.quiet_after_delivery = from.quiet_after_delivery;
  rules.hard = from.lifetimes.hard;
  rules.points = from.lifetimes.points;
  rules.domain = from.lifetimes.domain;
  rules.domain_confirmation = from.domain_confirmation;
  rules.spread_shops = from.spread_shops;
  rules.spread_window = from.spread_window;
  rules.wave_percent = from.breaker.percent;
  rules.wave_finals = from.breaker.finals;
  rules.wave_window = from.breaker.window;
  rules.wave_times_usual = from.breaker.times_usual;
  return rules;
}

log::Options log_options(const config::Settings& settings) {
  log::Options options;
  options.level = level_of(settings.log.level);
  options.format =
      settings.log.format == config::LogFormat::text ? log::Format::text : log::Format::json;
  options.target =
      settings.log.target.is_stdout() ? "stdout" : "file:" + settings.log.target.file.string();
  options.node = settings.node;
  options.mask_addresses = settings.log.mask_addresses == config::AddressMask::local;
  options.refusals_per_minute = settings.log.refusals_per_minute;
  return options;
}

}  // namespace ecrelay
