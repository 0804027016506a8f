#include <unistd.h>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "command_line.h"
#include "control/backup.h"
#include "control/clearance.h"
#include "control/consult.h"
#include "control/deeds.h"
#include "control/json.h"
#include "control/month_export.h"
#include "control/new_key.h"
#include "control/read_report.h"
#include "control/render.h"
#include "control/send_test.h"
#include "control/suppression_file.h"
#include "core/escape.h"
#include "core/text.h"
#include "core/time.h"
#include "dkim/signer.h"
#include "domains/examination.h"
#include "intake/site.h"

namespace {

using namespace ecrelay;

constexpr int usage_error = 64;

void complain(const std::string& lines) {
  for (const std::string_view line : text::split(lines, '\n')) {
    std::fprintf(stderr, "ecrelayctl: %s\n", printable(line, 2048).c_str());
  }
}

/// The admission that the daemon would build from this file.
Result<control::Explain> explainer(const config::Settings& settings) {
  const intake::SiteOutcome outcome =
      intake::build_site(settings, *dkim::make_opendkim_signer(), now());
  if (!outcome.site) {
    std::string lines;
    for (const std::string& error : outcome.errors) lines += (lines.empty() ? "" : "\n") + error;
    return invalid(std::move(lines));
  }
  return control::Explain([site = outcome.site](const IpAddress& client,
                                                std::optional<std::string_view> sender_domain) {
    return site->admission.explain(client, sender_domain);
  });
}

/// Looks at DNS as the daemon would.
control::Examine examiner(const config::Settings& settings) {
  return [shared =
              std::make_shared<const config::Settings>(settings)](const control::DnsOrder& order) {
    return domains::examine_some(shared, order.domain, order.resolver);
  };
}

/// How far something long is, in one line of a terminal that is wiped when it is over.
void show_progress(const control::Progress& progress) {
  const auto percent = progress.all == 0 ? 100 : progress.done * 100 / progress.all;
  std::fprintf(stderr, "\r%lld of %lld ledger rows, %lld %%   ",
               static_cast<long long>(progress.done), static_cast<long long>(progress.all),
               static_cast<long long>(percent));
}
void wipe_progress() { std::fputs("\r\033[K", stderr); }

bool is_watched() { return ::isatty(STDERR_FILENO) != 0; }
control::ProgressReport watcher() {
  return is_watched() ? control::ProgressReport(show_progress) : control::ProgressReport();
}

/// An argument that is a file's text.
Result<std::string> text_of_file(const std::string& path) {
  constexpr std::size_t most = control::max_request / 2;
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file) return invalid("cannot read " + path);
  if (text.size() > most) return invalid(path + " is longer than 512 KiB: give one month of it");
  return text;
}

/// Of the key that was made; empty when none was.
std::string name_of_key(const control::Reply& reply) {
  const auto* result = std::get_if<boost::json::object>(&reply);
  if (result == nullptr || (result->contains("step") && result->at("step") != "made")) return {};
  return std::string(result->at("name").as_string());
}

/// What is done here, without the daemon; nothing when the command is not one of these.
std::optional<control::Consultation> carry_out_here(Order& order) {
  const std::string& command = order.request.command;
  const auto alone = [](auto result) {
    return control::Consultation{std::move(result), {}, false};
  };
  if (command == "report.read")
    return alone(control::read_report_file(order.report_file, order.place));
  if (command == "backup") {
    auto done = alone(control::back_up(order.place.config, order.backup_folder));
    control::note_deed(order.place, done, "backup", order.backup_folder);
    return done;
  }
  if (command == "dkim.new") {
    order.new_key.config = order.place.config;
    auto done = alone(control::make_key(order.new_key));
    control::note_deed(order.place, done, "dkim new", name_of_key(done.reply));
    return done;
  }
  if (command == "dkim.rotate") {
    order.rotation.config = order.place.config;
    auto done = alone(control::rotate_key(order.rotation, examiner));
    if (const std::string key = name_of_key(done.reply); !key.empty())
      control::note_deed(order.place, done, "dkim rotate", key);
    return done;
  }
  order.month.config = order.place.config;
  if (command == "month.export") return alone(control::export_month(order.month, watcher()));
  if (command == "month.verify") return alone(control::verify_month(order.month, watcher()));
  if (command == "send.test") {
    return control::send_test(order.place, {order.request, order.wait},
                              [](const std::string& state) { complain(state); });
  }
  if (command == "suppression.import") return control::import_file(order.place, order.import);
  if (command == "suppression.export") {
    return control::export_file(order.place, [](const std::string& text) {
      return std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    });
  }
  return std::nullopt;
}

/// After `month close --out`: the files of the month that is closed now.
void write_files(Order& order, control::Consultation& closed) {
  auto* result = std::get_if<boost::json::object>(&closed.reply);
  if (result == nullptr) return;
  order.month.month = std::string(result->at("month").as_string());
  control::Reply files = control::export_month(order.month, watcher());
  if (auto* fault = std::get_if<control::Fault>(&files)) {
    closed.reply = control::Fault(fault->code, order.month.month +
                                                   " is closed, but its files are not written: " +
                                                   fault->message + "; month export writes them");
  } else {
    (*result)["export"] = std::get<boost::json::object>(std::move(files));
  }
}

control::Consultation carry_out(Order& order) {
  if (auto done = carry_out_here(order)) return std::move(*done);
  if (order.dry_run)
    order.request.command =
        order.request.command == "month.close" ? "month.check" : order.request.command + ".preview";
  if (!order.statement.empty()) {
    const Result<std::string> text = text_of_file(order.statement);
    if (!text)
      return control::Consultation{
          control::Fault(control::FaultCode::invalid, text.error().detail), {}, false};
    order.request.arguments["statement"] = control::json_text(*text);
  }
  control::Consultation done =
      control::consult(order.place, order.request, {explainer, examiner, watcher()});
  if (order.request.command == "month.close" && !order.month.folder.empty())
    write_files(order, done);
  if (control::is_piecemeal(order.request.command))
    control::to_the_end(order.place, order.request, done);
  return done;
}

/// The language of people here (setlocale(3): the first that is set counts).
std::string language_of(const Order& order) {
  if (!order.language.empty()) return order.language;
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0')
      return std::string_view(value).starts_with("ja") ? "ja" : "en";
  }
  return "en";
}

std::string text_of(const Order& order, const boost::json::object& result) {
  const std::string& command = order.request.command;
  if (command == "suppression.export") return {};
  if (command == "report.read")
    return order.json ? control::report_lines(result) : control::render_report(result);
  if (order.json) return control::serialized(result) + "\n";
  if (command == "backup") return control::render_backup(result);
  if (command == "suppression.import") return control::render_import(result);
  if (command == "dkim.new") return control::render_new_key(result);
  if (command == "dkim.rotate") return control::render_rotation(result);
  if (command == "suppression.show") return control::render_suppression(result, language_of(order));
  if (command == "dns.show") return control::render_dns(result, order.dns_format);
  if (command == "send.test") return control::render("trace", result);
  return control::render(command, result);
}

/// The answer is there and says no.
bool says_no(const Order& order, const boost::json::object& result) {
  const std::string& command = order.request.command;
  const auto* answer = result.if_contains(command == "host.explain"       ? "admitted"
                                          : command == "suppression.show" ? "blocked"
                                                                          : "ok");
  return answer != nullptr && *answer == false;
}

/// What somebody who books files must hear: that they are not final, or not complete.
void tell_of_files(const boost::json::object& result) {
  if (!result.contains("files")) return;
  if (result.at("state") == "open")
    complain("the month is open: these files are preliminary, month close makes them final");
  if (const auto replaced = result.at("replaced").to_number<std::uint64_t>(); replaced > 0)
    complain(std::to_string(replaced) +
             " characters are not in cp932 and were written as \u3013; --encoding utf-8 has them");
}

int run(Order& order) {
  const control::Consultation done = carry_out(order);
  if (is_watched()) wipe_progress();
  for (const std::string& note : done.notes) complain(note);
  if (const auto* fault = std::get_if<control::Fault>(&done.reply)) {
    complain(fault->message);
    return control::exit_code(fault->code);
  }
  const auto& result = std::get<boost::json::object>(done.reply);
  const std::string text = text_of(order, result);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    complain("cannot write the answer");
    return 73;
  }
  tell_of_files(result);
  if (order.request.command == "status" && done.daemon_down) return 69;
  return says_no(order, result) ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Order order;
  CLI::App app("looks into the mail relay, and acts on it");
  build_commands(app, order);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // for help, or the version
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    complain(complaint(app, error));
    return usage_error;
  }
  try {
    return run(order);
  } catch (const std::exception& failure) {
    complain(failure.what());
    return 70;
  }
}
