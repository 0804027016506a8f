#include "control/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text.h"
#include "house.h"

namespace ecrelay::control {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string answer_to(const House& house, const std::string& request) {
  const Line line = Line::tcp(house.http_port());
  line.say(request);
  return line.read_all();
}

TEST(Http, HealthIsServedAndReadinessFollowsWhetherMailIsAccepted) {
  House house;
  EXPECT_THAT(answer_to(house, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("\r\n\r\nok\n")));
  EXPECT_THAT(answer_to(house, "GET /readyz HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  Status refusing = house.status();
  refusing.accepting = false;
  refusing.refusing = "disk reserve";
  house.set_status(refusing);
  EXPECT_THAT(answer_to(house, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 503 Service Unavailable\r\n"), HasSubstr("disk reserve")));
  EXPECT_THAT(answer_to(house, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
}

TEST(Http, OnlyGetIsAllowedAndOnlyWhatIsThereIsServed) {
  House house;
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    EXPECT_THAT(answer_to(house, std::string(method) + " /metrics HTTP/1.1\r\nHost: x\r\n\r\n"),
                AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET, HEAD\r\n")))
        << method;
  }
  EXPECT_THAT(answer_to(house, "GET /status HTTP/1.1\r\nHost: x\r\n\r\n"),
              StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(answer_to(house, "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 200 "), ::testing::EndsWith("\r\n\r\n")));
}

TEST(Http, ARequestMayArriveCutAtAnyByte) {
  House house;
  const std::string request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (std::size_t cut = 0; cut <= request.size(); ++cut) {
    const Line line = Line::tcp(house.http_port());
    line.say(request.substr(0, cut));
    line.say(request.substr(cut));
    EXPECT_THAT(line.read_all(), StartsWith("HTTP/1.1 200 ")) << cut;
  }
}

TEST(Http, GarbageAndEndlessHeadsAreTurnedAway) {
  House house;
  EXPECT_THAT(answer_to(house, "\x16\x03\x01 hello\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  const std::string endless = answer_to(house, "GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x'));
  EXPECT_EQ(endless.find(" 200 "), std::string::npos);
  EXPECT_THAT(answer_to(house, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
}

TEST(Metrics, EveryLineIsACommentOrASampleOfAnAnnouncedFamily) {
  Status status;
  status.version = "1\"\\\n2";
  status.up_since = TimePoint(std::chrono::milliseconds(1'763'874'000'250));
  status.totals.recipients_sent = 7;
  status.writer.sync_us = 1'500'000;
  UpstreamStatus upstream;
  upstream.name = "既定";
  upstream.connections = 3;
  upstream.servers.resize(2);
  upstream.servers[1].closed_until = status.up_since;
  status.upstreams.push_back(upstream);

  const std::string text = metrics(status);
  std::string family;
  for (const std::string_view line : text::split(text, '\n')) {
    if (line.empty()) continue;
    if (line.starts_with("# TYPE ")) {
      family = text::split(line, ' ')[2];
      EXPECT_THAT(family, StartsWith("ecrelay_"));
      EXPECT_EQ(family.ends_with("_total"), line.ends_with(" counter")) << line;
    } else if (!line.starts_with("# HELP ")) {
      EXPECT_EQ(line.substr(0, line.find_first_of("{ ")), family) << line;
    }
  }
  EXPECT_THAT(text, AllOf(HasSubstr(R"(ecrelay_build_info{version="1\"\\\n2"} 1)"),
                          HasSubstr("ecrelay_recipients_total{outcome=\"sent\"} 7\n"),
                          HasSubstr("ecrelay_start_time_seconds 1763874000.250000\n"),
                          HasSubstr("ecrelay_store_spool_sync_seconds_total 1.500000\n"),
                          HasSubstr("ecrelay_upstream_connections{upstream=\"既定\"} 3\n"),
                          HasSubstr("ecrelay_upstream_servers_closed{upstream=\"既定\"} 1\n"),
                          HasSubstr("ecrelay_accepting_mail 0\n")));
}

}  // namespace
}  // namespace ecrelay::control
