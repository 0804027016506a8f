#include "control/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/exposition.h"
#include "core/text.h"
#include "log/capture.h"
#include "log/events.h"

namespace ecrelay::control {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const TimePoint noon(std::chrono::milliseconds(1'763'874'000'250));

/// As Prometheus reads it: samples belong to the family announced above them.
void expect_well_formed(const std::string& text) {
  std::string family;
  std::string type;
  for (const std::string_view line : text::split(text, '\n')) {
    if (line.empty()) continue;
    if (line.starts_with("# TYPE ")) {
      family = text::split(line, ' ')[2];
      type = text::split(line, ' ')[3];
      EXPECT_TRUE(family.starts_with("ecrelay_") || family.starts_with("process_")) << line;
      EXPECT_EQ(family.ends_with("_total"), type == "counter") << line;
    } else if (!line.starts_with("# HELP ")) {
      const std::string name(line.substr(0, line.find_first_of("{ ")));
      if (type == "histogram") {
        EXPECT_TRUE(name == family + "_bucket" || name == family + "_sum" ||
                    name == family + "_count")
            << line;
      } else {
        EXPECT_EQ(name, family) << line;
      }
    }
  }
}

TEST(Metrics, EveryLineIsACommentOrASampleOfAnAnnouncedFamily) {
  Status status;
  status.version = "1\"\\\n2";
  status.up_since = noon;
  status.totals.recipients_sent = 7;
  status.totals.charged = Money::milli_yen(700);
  status.listeners = {{"0.0.0.0:25", "off", {}}, {"0.0.0.0:587", "required", noon}};
  UpstreamStatus upstream;
  upstream.name = "既定";
  upstream.connections = 3;
  upstream.servers.resize(2);
  upstream.servers[1].closed_until = status.up_since;
  status.upstreams.push_back(upstream);
  status.verbs.push_back({"body", Histogram(quick_bounds)});

  const std::string text = metrics(status, {}, BookFigures(), noon);
  expect_well_formed(text);
  EXPECT_THAT(text,
              AllOf(HasSubstr(R"(ecrelay_build_info{version="1\"\\\n2"} 1)"),
                    HasSubstr("ecrelay_recipients_total{outcome=\"sent\"} 7\n"),
                    HasSubstr("ecrelay_charged_yen_total 0.7\n"),
                    HasSubstr("ecrelay_start_time_seconds 1763874000.250000\n"),
                    HasSubstr("seconds{listener=\"0.0.0.0:587\"} 1763874000.250000\n"),
                    Not(HasSubstr("seconds{listener=\"0.0.0.0:25\"}")),
                    HasSubstr("ecrelay_upstream_connections{upstream=\"既定\"} 3\n"),
                    HasSubstr("ecrelay_upstream_servers_closed{upstream=\"既定\"} 1\n"),
                    HasSubstr("ecrelay_smtp_reply_seconds_bucket{verb=\"body\",le=\"+Inf\"} 0\n"),
                    HasSubstr("ecrelay_accepting_mail 0\n")));
}

TEST(Metrics, AHistogramCountsUpToEachBound) {
  Histogram histogram(quick_bounds);
  histogram.observe(0.0005);
  histogram.observe(3.0);
  histogram.observe(60.0);
  Exposition out;
  out.histograms("ecrelay_x_seconds", "A time.");
  out.histogram(histogram, {{"verb", "mail"}});
  const std::string text = out.take();
  expect_well_formed(text);
  EXPECT_THAT(text, AllOf(HasSubstr("_bucket{verb=\"mail\",le=\"0.0005\"} 1\n"),
                          HasSubstr("_bucket{verb=\"mail\",le=\"2.5\"} 1\n"),
                          HasSubstr("_bucket{verb=\"mail\",le=\"4\"} 2\n"),
                          HasSubstr("_bucket{verb=\"mail\",le=\"+Inf\"} 3\n"),
                          HasSubstr("_sum{verb=\"mail\"} 63.0005\n"),
                          HasSubstr("_count{verb=\"mail\"} 3\n")));
}

TEST(Metrics, EventsAreCountedWhateverTheLevelOfTheLogIs) {
  log::Options quiet;
  quiet.level = log::Level::error;
  const log::Capture capture(quiet);
  log::reloaded("f", 0);
  log::reload_failed("f", "broken");
  log::suppressed({"1", "shop-a", "a@b.example", "hard"}, std::nullopt, {});
  const std::string text = metrics(Status(), {}, std::nullopt, noon);
  EXPECT_THAT(text, AllOf(HasSubstr("ecrelay_events_total{event=\"reload\"} 1\n"),
                          HasSubstr("ecrelay_events_total{event=\"reload_failed\"} 1\n"),
                          HasSubstr("ecrelay_events_total{event=\"bounce\"} 0\n"),
                          HasSubstr("_changes_total{change=\"listed\"} 1\n"),
                          Not(HasSubstr("ecrelay_month"))));
}

TEST(Metrics, OnlyDnsRecordsThatAreNotInOrderAreNamedAndNotWithoutEnd) {
  std::vector<records::DnsRecord> dns = {{"ok.example", "spf", "ok.example", "ok", noon, ""}};
  for (int i = 0; i < 1500; ++i)
    dns.push_back({"shop-" + std::to_string(i) + ".example", "dkim r1", "", "absent", noon, ""});
  const std::string text = metrics(Status(), dns, std::nullopt, noon);
  expect_well_formed(text);
  EXPECT_THAT(text, AllOf(HasSubstr("ecrelay_dns_records{state=\"ok\"} 1\n"),
                          HasSubstr("ecrelay_dns_records{state=\"absent\"} 1500\n"),
                          HasSubstr("{domain=\"shop-999.example\",record=\"dkim r1\""),
                          Not(HasSubstr("shop-1000.example")), Not(HasSubstr("ok.example"))));
}

}  // namespace
}  // namespace ecrelay::control
