#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "control/arguments.h"
#include "control/json.h"
#include "control/wire.h"
#include "core/text.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

TEST(Wire, ARequestComesBackAsItWent) {
  json::object arguments;
  arguments["reason"] = json_text("二重引用\" と改行\n");
  const auto request = parse_request(to_line(Request{"suppression.add", arguments}));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->command, "suppression.add");
  EXPECT_EQ(request->arguments, arguments);
}

TEST(Wire, WhatIsNoRequestIsRefusedWithAReason) {
  for (const char* line : {"", "hello", "[]", "1", "{}", R"({"command":1})", R"({"command":""})",
                           R"({"command":"x","arguments":[]})", "{\"command\":\"x\"", "\xff"}) {
    const auto request = parse_request(line);
    ASSERT_FALSE(request) << line;
    EXPECT_EQ(request.error().code, ErrorCode::invalid);
  }
  const std::string deep = "{\"command\":\"x\",\"arguments\":" + std::string(100'000, '[');
  EXPECT_FALSE(parse_request(deep));
}

TEST(Wire, FaultsKeepTheirCodeAndText) {
  for (const FaultCode code : {FaultCode::invalid, FaultCode::not_found, FaultCode::conflict,
                               FaultCode::refused, FaultCode::unavailable, FaultCode::cannot_write,
                               FaultCode::configuration, FaultCode::internal}) {
    const Reply reply = parse_reply(to_line(Fault(code, "so\nnot")));
    EXPECT_EQ(std::get<Fault>(reply).code, code);
    EXPECT_EQ(std::get<Fault>(reply).message, "so\nnot");
  }
}

TEST(Wire, ExitCodesAreThoseOfTheContract) {
  EXPECT_EQ(exit_code(FaultCode::not_found), 1);
  EXPECT_EQ(exit_code(FaultCode::conflict), 1);
  EXPECT_EQ(exit_code(FaultCode::invalid), 65);
  EXPECT_EQ(exit_code(FaultCode::unavailable), 69);
  EXPECT_EQ(exit_code(FaultCode::internal), 70);
  EXPECT_EQ(exit_code(FaultCode::cannot_write), 73);
  EXPECT_EQ(exit_code(FaultCode::refused), 77);
  EXPECT_EQ(exit_code(FaultCode::configuration), 78);
}

TEST(Wire, GarbageForAReplyIsAnInternalFault) {
  for (const char* line : {"", "null", R"({"ok":true})", R"({"ok":false,"error":3})"}) {
    EXPECT_EQ(std::get<Fault>(parse_reply(line)).code, FaultCode::internal) << line;
  }
}

TEST(Json, AnyBytesBecomeOneLineOfValidJsonThatIsSafeOnATerminal) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  json::object object;
  object["all"] = json_text(all);
  object["bidi"] = json_text("\u202Eabc\u200B\u009B\U000E0041");
  const std::string line = serialized(object);
  for (const char32_t point : text::code_points(line)) {
    EXPECT_GE(point, 0x20U);
    EXPECT_NE(point, 0x7FU);
    EXPECT_FALSE(point >= 0x80 && point < 0xA0);
    EXPECT_NE(point, 0x202EU);
  }
  EXPECT_EQ(json::parse(line).get_object(), object);  // and it means the same
  EXPECT_THAT(line, HasSubstr(R"(\\xff)"));
}

TEST(Arguments, TellsEveryMistakeAtOnceAndWhatWasMeant) {
  const json::object given = json::parse(R"({"shpo":"a","limit":"x","all":1})").get_object();
  Arguments arguments(given);
  arguments.text("shop");
  arguments.count("limit", 1, 10);
  arguments.flag("all");
  arguments.required("address");
  const auto problem = arguments.problem();
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->detail,
            "limit must be a number from 0 to 10\n"
            "all must be true or false\n"
            "address is missing\n"
            "unknown argument 'shpo'; did you mean 'shop'?");
}

TEST(Arguments, NumbersStayWithinTheirBounds) {
  for (const char* text : {"-1", "11", "1.5", "1e300", "true", "18446744073709551615"}) {
    json::object given;
    given["limit"] = json::parse(text);
    Arguments arguments(given);
    EXPECT_EQ(arguments.count("limit", 7, 10), 7U) << text;
    EXPECT_TRUE(arguments.problem()) << text;
  }
  json::object given;
  given["limit"] = 10;
  Arguments arguments(given);
  EXPECT_EQ(arguments.count("limit", 7, 10), 10U);
  EXPECT_FALSE(arguments.problem());
}

}  // namespace
}  // namespace ecrelay::control
