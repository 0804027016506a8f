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

}  // namespace
}  // namespace ecrelay::control
