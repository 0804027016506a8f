#include "command_line.h"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "control/json.h"
#include "core/escape.h"
#include "core/text.h"

namespace ecrelay {
namespace {

/// One command: its words, and the arguments of the request that its options become.
class Command {
 public:
  Command(CLI::App& parent, Order& order, const std::string& word, const std::string& command,
          const std::string& text)
      : app_(parent.add_subcommand(word, text)), order_(order) {
    app_->callback([&order, command] { order.request.command = command; });
  }

  Command& text(const std::string& option, const std::string& name, const std::string& help,
                bool required = false) {
    Order& order = order_;
    app_->add_option_function<std::string>(
            option,
            [&order, name](const std::string& value) {
              order.request.arguments[name] = control::json_text(value);
            },
            help)
        ->required(required);
    return *this;
  }
  Command& texts(const std::string& option, const std::string& name, const std::string& help) {
    Order& order = order_;
    app_->add_option_function<std::vector<std::string>>(
        option,
        [&order, name](const std::vector<std::string>& values) {
          order.request.arguments[name] = control::json_list(values);
        },
        help);
    return *this;
  }
  Command& number(const std::string& option, const std::string& name, const std::string& help,
                  bool required = false) {
    Order& order = order_;
    app_->add_option_function<std::uint64_t>(
            option,
            [&order, name](const std::uint64_t& value) { order.request.arguments[name] = value; },
            help)
        ->required(required);
    return *this;
  }
  Command& flag(const std::string& option, const std::string& name, const boost::json::value& value,
                const std::string& help) {
    Order& order = order_;
    app_->add_flag_callback(
        option, [&order, name, value] { order.request.arguments[name] = value; }, help);
    return *this;
  }
  CLI::App& app() { return *app_; }

 private:
  CLI::App* app_;
  Order& order_;
};

CLI::App& group(CLI::App& app, const std::string& word, const std::string& text) {
  CLI::App* group = app.add_subcommand(word, text);
  group->require_subcommand(1);
  return *group;
}

void add_intervention(CLI::App& queue, Order& order, const std::string& word,
                      const std::string& text) {
  Command(queue, order, word, "queue." + word, text)
      .texts("id", "messages", "those of these messages")
      .text("--shop", "shop", "those of this shop")
      .text("--domain", "domain", "those of this domain")
      .text("--reason", "reason", "for the audit");
}

void add_queue(CLI::App& app, Order& order) {
  CLI::App& queue = group(app, "queue", "recipients that wait to be delivered");
  Command(queue, order, "list", "queue.list", "what waits, the next due first")
      .text("--shop", "shop", "only of this shop")
      .text("--domain", "domain", "only to addresses of this domain")
      .text("--state", "state", "queued, held, or a final state; both open ones by default")
      .number("--limit", "limit", "at most so many (100)");
  Command(queue, order, "show", "queue.show", "one message and its recipients")
      .text("id", "message", "message id", true);
  Command(queue, order, "retry", "queue.retry", "make recipients due now")
      .text("id", "message", "those of this message")
      .text("--shop", "shop", "those of this shop")
      .text("--domain", "domain", "those of this domain")
      .flag("--all", "all", true, "every queued recipient")
      .text("--reason", "reason", "for the audit");
  add_intervention(queue, order, "hold", "keep queued recipients from being tried and expiring");
  add_intervention(queue, order, "release", "make held recipients due now");
  add_intervention(queue, order, "cancel", "never send to recipients that are queued or held");
}

void add_parked(CLI::App& list, Order& order) {
  CLI::App& parked = group(list, "parked", "candidates of a wave, which wait for somebody to look");
  Command(parked, order, "list", "suppression.parked.list", "what is parked, the oldest first")
      .text("--domain", "domain", "of this domain")
      .number("--limit", "limit", "at most so many (100)");
  Command(parked, order, "release", "suppression.parked.release", "put them on the list")
      .text("--domain", "domain", "of this domain", true)
      .text("--reason", "reason", "kept in the audit", true);
  Command(parked, order, "drop", "suppression.parked.drop", "forget them")
      .text("--domain", "domain", "of this domain", true)
      .text("--reason", "reason", "kept in the audit", true);
}

void add_suppression(CLI::App& app, Order& order) {
  CLI::App& list = group(app, "suppression", "addresses that get no mail");
  CLI::App& show =
      Command(list, order, "show", "suppression.show", "whether mail is held back, and why")
          .text("address", "address", "in any spelling", true)
          .text("--shop", "shop", "as this shop meets it")
          .app();
  const std::vector<std::string> languages = {"en", "ja"};
  show.add_option("--lang", order.language, "en or ja; as the locale says when absent")
      ->check(CLI::IsMember(languages));
  Command(list, order, "list", "suppression.list", "all entries")
      .text("--shop", "shop", "of this shop")
      .flag("--operator-wide", "shop", "", "of the list for every shop")
      .text("--domain", "domain", "addresses of this domain")
      .text("--reason", "reason", "with this reason: hard, complaint, manual …")
      .text("--from", "from", "made then or later")
      .text("--to", "to", "and not after")
      .number("--limit", "limit", "at most so many (100)");
  Command(list, order, "add", "suppression.add", "put an address on the list")
      .text("address", "address", "in any spelling", true)
      .text("--shop", "shop", "for this shop only; else for every shop")
      .text("--for", "for", "how long, like 30d; else for good")
      .text("--reason", "reason",
            "unsubscribe or complaint, both with --shop; any other text makes it manual", true)
      .text("--evidence", "evidence", "what support should read later; else the reason");
  CLI::App& clear =
      Command(list, order, "clear", "suppression.clear", "take entries off the list")
          .text("address", "address", "in any spelling")
          .text("--domain", "domain", "what mail servers said of addresses of this domain")
          .text("--since", "since", "with --domain: entries no older than this")
          .text("--before", "before", "with --domain: entries no newer than this")
          .text("--shop", "shop", "only this shop's entry")
          .text("--for", "for", "let mail through for so long only, like 30d")
          .text("--reason", "reason", "kept in the audit; not needed with --dry-run")
          .app();
  clear.add_flag("--dry-run", order.dry_run, "with --domain: only count what would be cleared");
  CLI::App& import =
      Command(list, order, "import", "suppression.import", "add the entries of a CSV file").app();
  import.add_option("file", order.import.file, std::string(control::entry_header))->required();
  import.add_option("--reason", order.import.reason, "kept in the audit");
  import.add_flag("--dry-run", order.import.dry_run, "read it and tell, change nothing");
  Command(list, order, "export", "suppression.export", "all entries as a CSV file");
  Command(list, order, "undo", "suppression.undo", "take back what a wave has listed")
      .text("--domain", "domain", "whose addresses", true)
      .text("--from", "from", "entries since then", true)
      .text("--to", "to", "and not after", true)
      .text("--reason", "reason", "kept in the audit; not needed with --dry-run")
      .app()
      .add_flag("--dry-run", order.dry_run, "only count what would be cleared");
  add_parked(list, order);
  Command(list, order, "history", "suppression.history", "all that happened to an address")
      .text("address", "address", "in any spelling", true)
      .number("--limit", "limit", "at most so many (100)");
}

void add_reading(CLI::App& app, Order& order) {
  Command(app, order, "status", "status", "how the relay is; exits 69 when it does not run");
  Command(app, order, "trace", "trace", "what became of a mail")
      .text("query", "query", "message id, Message-ID or recipient", true)
      .number("--limit", "limit", "at most so many mails (5)");
  Command(app, order, "usage", "usage", "counts and yen of a month (JST)")
      .text("month", "month", "like 2026-11; the current one by default")
      .text("--shop", "shop", "only of this shop")
      .text("--by", "by", "shop, day or message")
      .number("--limit", "limit", "by message: at most so many charges (1000)")
      .number("--after", "after", "by message: those after this charge");
  Command(app, order, "audit", "audit", "who changed what by hand, the newest first")
      .number("--limit", "limit", "at most so many (50)");
  CLI::App& host = group(app, "host", "authorized clients");
  Command(host, order, "explain", "host.explain", "who a client is, what it may send, and why")
      .text("ip", "ip", "address of the client", true)
      .text("--from", "from", "sender address or domain");
  Command send(app, order, "send-test", "send.test",
               "send a real mail for a shop, uncharged, and follow it to its end");
  send.text("--shop", "shop", "whose sender, signature and upstream", true)
      .text("--to", "to", "an address whose mailbox you see", true)
      .text("--from", "from", "an address of the shop; else its postmaster");
  send.app().add_option_function<unsigned>(
      "--wait", [&order](const unsigned& seconds) { order.wait = std::chrono::seconds(seconds); },
      "seconds to follow it (120)");
  Command(app, order, "reload", "reload", "put the configuration file in force as it is now");
  CLI::App& config = group(app, "config", "the configuration");
  Command(config, order, "diff", "config.diff",
          "what a file would change; exits 1 when there is something")
      .app()
      .add_option_function<std::string>(
          "file",
          [&order](const std::string& file) {
            order.request.arguments["file"] =
                control::json_text(std::filesystem::absolute(file).string());
          },
          "a configuration file that the relay can read")
      ->required();
  CLI::App& backup =
      Command(app, order, "backup", "backup", "copy the book and the live spool").app();
  backup.add_option("folder", order.backup_folder, "a new or empty folder")->required();
}

void add_dns(CLI::App& app, Order& order) {
  CLI::App& dkim = group(app, "dkim", "signing keys");
  Command(dkim, order, "list", "dkim.list", "the keys in force");
  CLI::App& make = Command(dkim, order, "new", "dkim.new", "make a key file").app();
  make.add_option("domain", order.new_key.domain, "domain it signs for")->required();
  make.add_option("--selector", order.new_key.selector, "its selector, like 2026a")->required();
  const std::vector<std::string> algorithms = {"rsa-sha256", "ed25519-sha256"};
  make.add_option_function<std::string>(
          "--algorithm",
          [&order](const std::string& name) {
            order.new_key.algorithm = *dkim::parse_algorithm(name);
          },
          "rsa-sha256 (default) or ed25519-sha256")
      ->check(CLI::IsMember(algorithms));
  CLI::App& rotate = Command(dkim, order, "rotate", "dkim.rotate",
                             "replace the signing key of a domain; give it again to go on")
                         .app();
  rotate.add_option("domain", order.rotation.domain, "domain of a shop")->required();
  rotate.add_option("--selector", order.rotation.selector,
                    "of the new key; the next one if absent");
  rotate
      .add_option_function<std::string>(
          "--algorithm",
          [&order](const std::string& name) {
            order.rotation.algorithm = *dkim::parse_algorithm(name);
          },
          "of the key to replace: rsa-sha256 (default) or ed25519-sha256")
      ->check(CLI::IsMember(algorithms));
  CLI::App& dns = group(app, "dns", "records to publish");
  Command show(dns, order, "show", "dns.show", "the records a domain needs");
  show.text("domain", "domain", "domain of a shop", true);
  const std::vector<std::string> formats = {"table", "zone", "ja"};
  show.app()
      .add_option("--format", order.dns_format,
                  "table, zone (a zone file), or ja (a letter to the shop, in Japanese)")
      ->check(CLI::IsMember(formats));
  show.text("--resolver", "resolver", "ask this server, ADDRESS:PORT");
  Command check(dns, order, "check", "dns.check", "what is published, held against what should be");
  check.text("domain", "domain", "domain of a shop")
      .flag("--all", "all", true, "every domain")
      .text("--resolver", "resolver", "ask this server, ADDRESS:PORT");
}

void add_report(CLI::App& app, Order& order) {
  CLI::App& report = group(app, "report", "bounces and complaints that came back by mail");
  Command read(report, order, "read", "report.read", "what a mail says, and what would follow");
  read.app()
      .add_option("file", order.report_file, "a mail or mbox file; - is standard input")
      ->required();
}

void add_month(CLI::App& app, Order& order) {
  CLI::App& month = group(app, "month", "JST months: closing them, and files for finance");
  Command(month, order, "status", "month.status", "every month, open or closed, with its sums");
  CLI::App& close =
      Command(month, order, "close", "month.close", "close a month for ever, when all agrees")
          .text("month", "month", "like 2026-10", true)
          .app();
  CLI::Option* dry_run = close.add_flag_callback(
      "--dry-run", [&order] { order.dry_run = true; }, "only show the list of checks");
  close.add_option("--out", order.month.folder, "then write its files into this folder")
      ->excludes(dry_run);
  Command(month, order, "archive", "month.archive",
          "move a closed month's charges out of the book, into archive/ledger-YYYYMM.db")
      .text("month", "month", "like 2024-10; the oldest first", true);
  CLI::App& files =
      Command(month, order, "export", "month.export", "write the files of a month").app();
  files.add_option("month", order.month.month, "like 2026-10")->required();
  files.add_option("--out", order.month.folder, "folder for the files")->required();
  files
      .add_option_function<std::string>(
          "--encoding",
          [&order](const std::string& name) {
            order.month.format.encoding = *finance::parse_encoding(name);
          },
          "utf-8 (default) or cp932")
      ->check(CLI::IsMember({"utf-8", "cp932"}));
  files
      .add_option_function<std::string>(
          "--header",
          [&order](const std::string& name) {
            order.month.format.headings =
                name == "ja" ? finance::Headings::japanese : finance::Headings::english;
          },
          "headings in en (default) or ja")
      ->check(CLI::IsMember({"en", "ja"}));
  files
      .add_option_function<std::string>(
          "--format",
          [&order](const std::string& name) {
            order.month.format.layout =
                name == "json" ? finance::Layout::json : finance::Layout::csv;
          },
          "csv (default) or json")
      ->check(CLI::IsMember({"csv", "json"}));
  CLI::App& verify = Command(month, order, "verify", "month.verify",
                             "make a closed month's files again and compare")
                         .app();
  verify.add_option("month", order.month.month, "like 2026-10")->required();
}

void add_ledger(CLI::App& app, Order& order) {
  CLI::App& ledger = group(app, "ledger", "charges and what corrects them");
  Command(ledger, order, "search", "ledger.search", "by days (JST), amount and shop")
      .text("--from", "from", "first day, like 2026-11-01")
      .text("--to", "to", "last day")
      .text("--least", "least", "of this many yen or more, like 0.1")
      .text("--most", "most", "of this many yen or less")
      .text("--shop", "shop", "of this shop")
      .number("--limit", "limit", "at most so many (100)")
      .number("--after", "after", "those after this row");
  Command(ledger, order, "reverse", "ledger.reverse", "take one charge back")
      .number("charge", "charge", "its number, from ledger search or trace", true)
      .text("--reason", "reason", "kept in the ledger and the audit", true);
  Command(ledger, order, "adjust", "ledger.adjust", "owe a shop something, or be owed it")
      .text("--shop", "shop", "whose", true)
      .text("--amount", "amount", "yen; negative: in the shop's favour", true)
      .text("--reason", "reason", "kept in the ledger and the audit", true);
  Command(app, order, "reconcile", "reconcile", "whether everything adds up; exits 1 if not")
      .text("month", "month", "like 2026-11; the current one by default")
      .text("--upstream", "upstream", "whose statement it is")
      .app()
      .add_option("--statement", order.statement, "CSV of an upstream: dates and counts");
}

/// The command as far as it was understood.
CLI::App* deepest(CLI::App* app) {
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return app;
}

std::vector<std::string> words_of(CLI::App* app, bool options) {
  std::vector<std::string> words;
  if (!options) {
    for (const CLI::App* each : app->get_subcommands([](CLI::App*) { return true; })) {
      words.push_back(each->get_name());
    }
    return words;
  }
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* each : app->get_options()) {
      for (const std::string& name : each->get_lnames()) words.push_back("--" + name);
    }
  }
  return words;
}

/// Every word was understood, and something is missing or wrong.
std::string incomplete(CLI::App& reached, const CLI::ParseError& error) {
  std::string commands;
  for (const std::string& word : words_of(&reached, false)) {
    commands += (commands.empty() ? "" : ", ") + word;
  }
  return commands.empty() ? printable(error.what()) : "say which: " + commands;
}

}  // namespace

void build_commands(CLI::App& app, Order& order) {
  app.name("ecrelayctl");
  app.set_version_flag("--version", RELAY_VERSION);
  app.require_subcommand(1);
  app.fallthrough();  // --json and the like may follow the command
  app.add_option_function<std::string>(
      "--config",
      [&order](const std::string& path) {
        order.place.config = path;
        order.place.config_named = true;
      },
      std::string("configuration file (") + control::standard_config + ")");
  app.add_option_function<std::string>(
      "--socket", [&order](const std::string& path) { order.place.socket = path; },
      "control socket, instead of the configuration's");
  app.add_flag("--json", order.json, "the answer as one line of JSON");
  add_reading(app, order);
  add_queue(app, order);
  add_suppression(app, order);
  add_month(app, order);
  add_ledger(app, order);
  add_dns(app, order);
  add_report(app, order);
}

std::string complaint(CLI::App& app, const CLI::ParseError& error) {
  CLI::App* reached = deepest(&app);
  const std::vector<std::string> left = app.remaining(true);
  if (left.empty()) return incomplete(*reached, error);
  const std::string& word = left.front();
  const std::vector<std::string> known = words_of(reached, word.starts_with('-'));
  const auto meant = text::suggestion(word, known);
  std::string text = "unknown word '" + printable(word, 64) + "'";
  if (meant) return text + "; did you mean '" + *meant + "'?";
  return text + "; see ecrelayctl --help";
}

}  // namespace ecrelay
