#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "config/loader.h"
#include "config/print.h"
#include "config/reference.h"
#include "configuration.h"
#include "core/escape.h"
#include "deep_check.h"
#include "heap.h"
#include "log/events.h"
#include "log/log.h"
#include "relay.h"
#include "store/failure.h"
#include "supervisor.h"

namespace ecrelay {
namespace {

// CONTRACT "Exit codes".
constexpr int exit_differs = 1;
constexpr int exit_usage = 64;
constexpr int exit_internal = 70;
constexpr int exit_configuration = 78;

struct Arguments {
  std::string config = "/etc/ecrelay/ecrelay.yaml";
  bool check = false;
  bool deep = false;
  bool print = false;
  bool reference = false;
  bool no_quickack = false;
  int listen_fds = 0;
};

void complain(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

/// A core dump would hold keys and mail (THREATS "secrets"); descriptors are what connections cost.
/// Returns how many this process may have.
rlim_t prepare_process() {
  heap::prepare();
  prctl(PR_SET_DUMPABLE, 0);
  rlimit limit{0, 0};
  setrlimit(RLIMIT_CORE, &limit);
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  umask(077);
  return limit.rlim_cur;
}

/// Where the connections that are allowed would use up the descriptors, mail would stand still.
void warn_of_few_descriptors(rlim_t may, const config::Settings& settings) {
  constexpr rlim_t beside = 512;  // book, spool, reports, control, and who is being turned away
  rlim_t needed = beside + settings.limits.connections;
  for (const config::Upstream& upstream : settings.upstreams) needed += upstream.connections;
  if (may >= needed) return;
  log::config_warning("this process may have " + std::to_string(may) + " descriptors, and " +
                      std::to_string(settings.limits.connections) +
                      " client connections (limits.connections) with those of the upstreams need " +
                      std::to_string(needed) + ": raise LimitNOFILE, or lower limits.connections");
}

int serve(Configuration configuration, net::InheritedSockets sockets, const Arguments& arguments,
          const std::vector<std::string>& warnings) {
  const rlim_t descriptors = prepare_process();
  if (auto started = log::start(log_options(configuration.settings())); !started) {
    complain("ecrelayd: " + started.error().detail);
    return exit_configuration;
  }
  log::started(RELAY_VERSION, arguments.config);
  for (const std::string& warning : warnings) log::config_warning(warning);
  warn_of_few_descriptors(descriptors, configuration.settings());
  int code = exit_internal;
  try {
    Relay::Options options;
    options.config = arguments.config;
    options.quickack = !arguments.no_quickack;
    options.sockets = std::move(sockets);
    Relay relay(std::move(configuration), std::move(options));
    code = relay.run();
  } catch (const store::Failure& failure) {
    log::store_trouble("open", failure.what());
    complain("ecrelayd: " + printable(failure.what(), 2000));
    code = exit_configuration;
  } catch (const std::exception& error) {
    log::internal_error("main", error.what());
    complain("ecrelayd: " + printable(error.what(), 2000));
  }
  log::stop();
  return code;
}

int print_effective(const std::string& file) {
  const config::LoadOutcome loaded = config::load(file);
  for (const config::Problem& error : loaded.errors) complain(error.text());
  if (!loaded.settings) return exit_configuration;
  std::fputs(config::print(*loaded.settings).c_str(), stdout);
  return 0;
}

int tell_ok(const std::string& file) {
  std::printf("%s: ok\n", printable(file, 1000).c_str());
  return 0;
}

/// Every finding as a line; 1 when one of them is an error.
int tell_deep(const Configuration& configuration, const std::string& file) {
  bool well = true;
  for (const Examined& each : check_deep(configuration)) {
    constexpr const char* words[] = {"ok", "warning", "error"};
    std::printf("%s: %s\n", words[static_cast<std::size_t>(each.verdict)],
                printable(each.text, 4000).c_str());
    well = well && each.verdict != Examined::Verdict::error;
  }
  return well ? tell_ok(file) : exit_differs;
}

int run(const Arguments& arguments) {
  if (arguments.print) return print_effective(arguments.config);
  // Before anything is opened that could take their numbers.
  net::InheritedSockets sockets = supervisor::sockets(arguments.listen_fds);
  ConfigurationOutcome outcome = read_configuration(arguments.config, now(), Known());
  for (const std::string& error : outcome.errors) complain(error);
  if (arguments.check || !outcome.configuration) {
    for (const std::string& warning : outcome.warnings) complain(warning);
  }
  if (!outcome.configuration) return exit_configuration;
  if (arguments.check) {
    return arguments.deep ? tell_deep(*outcome.configuration, arguments.config)
                          : tell_ok(arguments.config);
  }
  return serve(std::move(*outcome.configuration), std::move(sockets), arguments, outcome.warnings);
}

}  // namespace
}  // namespace ecrelay

int main(int argc, char** argv) {
  using namespace ecrelay;
  Arguments arguments;
  CLI::App app("ecrelayd: accepts mail from authorized ecforce hosts, signs it and sends it on");
  app.set_version_flag("--version", std::string("ecrelayd ") + RELAY_VERSION);
  app.add_option("--config", arguments.config, "the configuration file")->capture_default_str();
  CLI::Option* check = app.add_flag(
      "--check-config", arguments.check,
      "check the configuration and everything it refers to, then exit (78: it has errors)");
  app.add_flag(
         "--deep", arguments.deep,
         "with it: certificates, free listeners, every upstream by TLS and login without mail, "
         "and what shops publish; exits 1 when something is wrong")
      ->needs(check);
  app.add_flag("--print-config", arguments.print,
               "print the effective configuration, secrets masked");
  app.add_flag("--print-reference", arguments.reference,
               "print every configuration key with type, default and meaning");
  app.add_option(
         "--listen-fds", arguments.listen_fds,
         "so many listening sockets were handed over, as descriptors 3, 4, … (systemd's are "
         "found without this)")
      ->check(CLI::Range(1, 1000));
  app.add_flag("--no-quickack", arguments.no_quickack,
               "leave TCP_QUICKACK alone: to measure what it is worth")
      ->group("");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_usage;
  }
  if (arguments.reference) {
    std::fputs(config::reference().c_str(), stdout);
    return 0;
  }
  try {
    return run(arguments);
  } catch (const std::exception& error) {
    complain(std::string("ecrelayd: ") + printable(error.what(), 2000));
    return exit_internal;
  }
}
