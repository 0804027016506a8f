#include "control/dns_answers.h"

#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>

#include <algorithm>
#include <exception>
#include <utility>

#include "control/arguments.h"
#include "control/json.h"
#include "core/escape.h"
#include "dkim/key.h"
#include "net/task_group.h"

namespace ecrelay::control {

namespace {

namespace json = boost::json;

json::object to_json(const dns::Finding& finding) {
  const dns::Wanted& wanted = finding.wanted;
  json::object object;
  object["purpose"] = dns::text(wanted.purpose);
  object["selector"] = json_text(wanted.selector);
  object["name"] = json_text(wanted.name);
  object["type"] = dns::text(wanted.type);
  object["value"] = json_text(finding.publish);
  const bool is_text = wanted.type == dns::Type::txt;
  object["strings"] =
      json_list(is_text ? dkim::txt_strings(finding.publish) : std::vector<std::string>());
  object["needed"] = wanted.needed;
  object["by"] = wanted.by_operator ? "operator" : "shop";
  object["state"] = dns::text(finding.state);
  object["found"] = json_list(finding.found);
  object["aliases"] = json_list(finding.aliases);
  if (wanted.purpose == dns::Purpose::spf) object["lookups"] = finding.lookups;
  object["remarks"] = json_list(finding.remarks);
  return object;
}

json::object to_json(const dns::Report& report) {
  json::array records;
  for (const dns::Finding& finding : report.findings) records.push_back(to_json(finding));
  json::object object;
  object["domain"] = json_text(report.domain);
  object["shop"] = json_text(report.shop);
  object["dns"] = report.managed_by_operator ? "operator" : "shop";
  object["ok"] = report.ok();
  object["records"] = std::move(records);
  object["advice"] = json_list(report.advice);
  return object;
}

json::object check_of(const std::vector<dns::Report>& reports) {
  json::array domains;
  for (const dns::Report& report : reports) domains.push_back(to_json(report));
  json::object answer;
  answer["ok"] = std::all_of(reports.begin(), reports.end(),
                             [](const dns::Report& report) { return report.ok(); });
  answer["domains"] = std::move(domains);
  return answer;
}

/// What is proposed is no answer to "is it there?": that is `dns.check`.
json::object sheet_of(const dns::Report& report) {
  json::object sheet = to_json(report);
  sheet.erase("ok");
  return sheet;
}

DnsOrder order_in(Arguments& given, bool may_be_all) {
  DnsOrder order;
  if (!may_be_all || !given.flag("all")) order.domain = given.required("domain");
  const auto resolver = given.text("resolver");
  if (!resolver) return order;
  order.resolver = net::Endpoint::parse(*resolver);
  if (!order.resolver) {
    given.wrong("'" + printable(*resolver, 64) + "' is no address and port like 192.0.2.53:53");
  }
  return order;
}

asio::awaitable<void> keep(std::optional<Answer>& into, std::string command, json::object arguments,
                           Examine examine) {
  into = co_await answer_dns(std::move(command), std::move(arguments), std::move(examine));
}

}  // namespace

bool asks_dns(std::string_view command) { return command == "dns.show" || command == "dns.check"; }

asio::awaitable<Answer> answer_dns(std::string command, json::object arguments, Examine examine) {
  Arguments given(arguments);
  DnsOrder order = order_in(given, command == "dns.check");
  if (auto wrong = given.problem()) co_return *wrong;
  const Result<std::vector<dns::Report>> reports = co_await examine(std::move(order));
  if (!reports) co_return reports.error();
  if (command == "dns.show") co_return sheet_of(reports->front());
  co_return check_of(*reports);
}

Answer answer_dns_here(const std::string& command, const json::object& arguments,
                       const Examine& examine) {
  asio::io_context context(1);
  std::exception_ptr failure;
  net::TaskGroup tasks(context.get_executor(),
                       [&](const std::exception_ptr& caught) { failure = caught; });
  std::optional<Answer> answer;
  tasks.spawn(keep(answer, command, arguments, examine));
  context.run();
  if (failure) std::rethrow_exception(failure);
  return std::move(*answer);
}

}  // namespace ecrelay::control
