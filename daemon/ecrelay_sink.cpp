#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/escape.h"
#include "core/time.h"
#include "net/endpoint.h"
#include "net/task_group.h"
#include "net/tls.h"
#include "rehearsal/sink.h"

namespace ecrelay {
namespace {

constexpr int exit_usage = 64;
constexpr int exit_bad_input = 65;

struct Arguments {
  std::string listen = "127.0.0.1:2526";
  std::string certificate;
  std::string key;
  std::string login;
  std::vector<std::string> script;
  bool no_pipelining = false;
  bool no_chunking = false;
  bool no_smtputf8 = false;
};

/// What was asked for cannot be done; told to the operator in one line.
struct BadInput : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (text.empty()) throw BadInput("cannot read " + path);
  return text;
}

void complete(rehearsal::SinkSettings& settings, const Arguments& arguments) {
  for (const std::string& rule : arguments.script) {
    if (auto added = settings.script.add(rule); !added) throw BadInput(added.error().detail);
  }
  if (!arguments.certificate.empty()) {
    auto tls = net::TlsServer::make(file_text(arguments.certificate),
                                    Secret(file_text(arguments.key)), now());
    if (!tls) throw BadInput(tls.error().detail);
    settings.tls = std::move(*tls);
  }
  if (!arguments.login.empty()) {
    const auto colon = arguments.login.find(':');
    if (colon == std::string::npos) throw BadInput("--login wants USER:PASSWORD");
    settings.user = arguments.login.substr(0, colon);
    settings.password = Secret(arguments.login.substr(colon + 1));
  }
  settings.pipelining = !arguments.no_pipelining;
  settings.chunking = !arguments.no_chunking;
  settings.smtputf8 = !arguments.no_smtputf8;
}

asio::awaitable<void> until_told(asio::io_context& context, rehearsal::Sink& sink) {
  asio::signal_set signals(context, SIGTERM, SIGINT);
  boost::system::error_code error;
  co_await signals.async_wait(asio::redirect_error(asio::use_awaitable, error));
  co_await sink.stop(net::after(std::chrono::seconds(2)));
  context.stop();
}

int run(const Arguments& arguments, rehearsal::SinkSettings settings) {
  complete(settings, arguments);
  const auto at = net::Endpoint::parse(arguments.listen);
  if (!at) throw BadInput("--listen wants ADDRESS:PORT, as in 127.0.0.1:2526");
  std::signal(SIGPIPE, SIG_IGN);
  asio::io_context context(1);
  rehearsal::Sink sink(context.get_executor(), std::move(settings));
  auto bound = sink.listen(*at);
  if (!bound) throw BadInput(bound.error().detail);
  std::printf("{\"event\":\"listen\",\"address\":\"%s\"}\n", bound->text().c_str());
  std::fflush(stdout);
  net::TaskGroup tasks(context.get_executor(), [](const std::exception_ptr&) { std::terminate(); });
  tasks.spawn(until_told(context, sink));
  context.run();
  return 0;
}

}  // namespace
}  // namespace ecrelay

int main(int argc, char** argv) {
  using namespace ecrelay;
  Arguments arguments;
  rehearsal::SinkSettings settings;
  CLI::App app(
      "ecrelay-sink: an upstream for rehearsals; accepts, keeps, answers as told\n\n"
      "Recipients' local parts play parts: permfail, tempfail, full, blocked, busy, greylist, "
      "drop, slow,\n"
      "slow-SECONDS, reply-CODE[-X.Y.Z]; at another stage than RCPT: permfail-dot, drop-data, ...");
  app.set_version_flag("--version", std::string("ecrelay-sink ") + RELAY_VERSION);
  app.add_option("--listen", arguments.listen, "ADDRESS:PORT, port 0 for any")
      ->capture_default_str();
  app.add_option("--dir", settings.folder,
                 "keep messages here (N.eml and messages.jsonl); without it they are counted only");
  app.add_option("--script", arguments.script,
                 "STAGE[:LOCALPART]=CODE [X.Y.Z] TEXT | drop | slow SECONDS; stages: greeting "
                 "hello auth mail rcpt data dot");
  app.add_option("--hostname", settings.hostname, "our name")->capture_default_str();
  CLI::Option* certificate =
      app.add_option("--certificate", arguments.certificate, "PEM chain: offers STARTTLS");
  app.add_option("--key", arguments.key, "its PEM key")->needs(certificate);
  app.add_flag("--implicit-tls", settings.implicit_tls, "TLS from the first byte")
      ->needs(certificate);
  app.add_option("--login", arguments.login, "USER:PASSWORD: offers AUTH, in clear too");
  app.add_flag("--require-login", settings.login_required, "refuses MAIL before AUTH");
  app.add_option("--size", settings.size, "SIZE offered, in bytes")->capture_default_str();
  app.add_option("--messages-per-connection", settings.messages_per_connection,
                 "then 421; 0: no limit");
  app.add_flag("--no-pipelining", arguments.no_pipelining);
  app.add_flag("--no-chunking", arguments.no_chunking);
  app.add_flag("--no-smtputf8", arguments.no_smtputf8);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_usage;
  }
  try {
    return run(arguments, std::move(settings));
  } catch (const BadInput& error) {
    std::fprintf(stderr, "ecrelay-sink: %s\n", printable(error.what(), 2000).c_str());
    return exit_bad_input;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ecrelay-sink: %s\n", printable(error.what(), 2000).c_str());
    return 70;
  }
}
