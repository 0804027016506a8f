#include "control/month_export.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <cerrno>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "config/loader.h"
#include "control/fields.h"
#include "control/json.h"
#include "control/money_answers.h"
#include "control/month_archive.h"
#include "core/escape.h"
#include "finance/sha256.h"
#include "store/files.h"

namespace ecrelay::control {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using std::chrono::year_month;

/// The files of one export. Nothing has its own name before everything is written and synced.
class Folder {
 public:
  explicit Folder(fs::path path) : path_(std::move(path)) {
    if (::mkdir(path_.c_str(), 0755) != 0 && errno != EEXIST) throw failure(path_);
    folder_ = store::Descriptor(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder_) throw failure(path_);
  }

  /// At the end of the file; opened anew each time, because a month has more files than a process
  /// may hold open.
  void append(const std::string& name, std::string_view bytes) {
    const bool begins = begun_.insert(name).second;
    const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
    const store::Descriptor file = open(partial(name), begins ? flags | O_TRUNC : flags);
    while (!bytes.empty()) {
      const ssize_t written = ::write(file.number(), bytes.data(), bytes.size());
      if (written < 0) throw failure(path_ / name);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  /// Gives every file its name. The manifest comes last: where it is, all the others are.
  void finish(const std::string& manifest_name, std::string_view manifest) {
    for (const std::string& name : begun_) give_name(name);
    sync();
    append(manifest_name, manifest);
    give_name(manifest_name);
    sync();
  }

 private:
  static std::string partial(const std::string& name) { return "." + name + ".partial"; }
  static store::Failure failure(const fs::path& path) {
    return store::system_failure(printable(path.string()));
  }

  store::Descriptor open(const std::string& name, int flags) {
    store::Descriptor file(::openat(folder_.number(), name.c_str(), flags, 0644));
    if (!file) throw failure(path_ / name);
    return file;
  }
  void give_name(const std::string& name) {
    const store::Descriptor file = open(partial(name), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (::fsync(file.number()) != 0) throw failure(path_ / name);
    if (::renameat(folder_.number(), partial(name).c_str(), folder_.number(), name.c_str()) != 0)
      throw failure(path_ / name);
  }
  void sync() {
    if (::fsync(folder_.number()) != 0) throw failure(path_);
  }

  fs::path path_;
  store::Descriptor folder_;
  std::set<std::string> begun_;
};

/// What both commands begin with.
struct Subject {
  year_month month;
  config::Settings settings;
  std::unique_ptr<store::Inquiry> book;
};

std::variant<Subject, Fault> subject_of(const MonthOrder& order) {
  const auto month = parse_month(order.month);
  if (!month)
    return Fault(FaultCode::invalid,
                 "'" + printable(order.month, 64) + "' is no month like 2026-11");
  config::LoadOutcome loaded = config::load(order.config);
  if (!loaded.settings) return broken_configuration(loaded);
  const std::string path = loaded.settings->state_dir / "book.db";
  if (auto fault = unreadable(path)) return *fault;
  return Subject{*month, std::move(*loaded.settings), std::make_unique<store::Inquiry>(path)};
}

std::string manifest_of(const MonthPass& pass, const Subject& subject,
                        const finance::Format& format,
                        const std::optional<store::ClosedMonth>& closed) {
  if (closed && format == finance::Format{}) return standard_manifest(pass, *closed);
  finance::ManifestHead head;
  head.month = subject.month;
  head.node = closed ? node_of(*closed) : subject.settings.node;
  head.format = format;
  if (closed)
    head.closing = finance::ManifestHead::Closing{closed->closed_at, closed->actor,
                                                  closed->previous, closed->sha256};
  return finance::manifest(head, pass.files);
}

json::object told(const finance::FileSummary& file) {
  json::object object;
  object["name"] = json_text(file.name);
  object["rows"] = file.rows;
  object["amount_yen"] = file.amount.exact();
  object["net_yen"] = file.net.exact();
  object["sha256"] = file.sha256;
  return object;
}

Reply write_files(const Subject& subject, const MonthOrder& order, const ProgressReport& report) {
  Folder folder(order.folder);
  const auto closed = subject.book->accounts().closed(subject.month);
  MonthPass pass;
  {
    // A closed month stands still by itself; an open one is read as of one moment.
    const auto moment = closed ? nullptr : subject.book->snapshot();
    pass = pass_over(
        *subject.book, subject.month, subject.settings, order.format,
        [&](const std::string& name, std::string_view bytes) { folder.append(name, bytes); },
        report);
  }
  const std::string manifest = manifest_of(pass, subject, order.format, closed);
  if (closed && order.format == finance::Format{} && manifest != closed->manifest)
    return Fault(FaultCode::internal, order.month +
                                          " does not come out as it was closed: the book was "
                                          "changed by force; month verify tells where");
  folder.finish(finance::manifest_name(subject.month), manifest);
  json::array files;
  for (const finance::FileSummary& file : pass.files) files.push_back(told(file));
  json::object result;
  result["month"] = order.month;
  result["state"] = closed ? "closed" : "open";
  result["folder"] = json_text(order.folder.string());
  result["files"] = std::move(files);
  result["manifest"] = finance::manifest_name(subject.month);
  result["manifest_sha256"] = finance::sha256(manifest);
  result["replaced"] = pass.replaced;
  return result;
}

/// The files that are not as they were closed.
std::string changed_files(const std::string& then, const std::string& now) {
  const json::value before = json::parse(then);
  const json::value after = json::parse(now);
  std::set<std::string> known;
  std::string lines;
  for (const json::value& file : list(object_of(before), "files"))
    known.insert(json::serialize(file));
  for (const json::value& file : list(object_of(after), "files"))
    if (!known.contains(json::serialize(file)))
      lines += (lines.empty() ? "" : "\n") + shown(object_of(file), "name") + " differs: now " +
               shown(object_of(file), "net_yen") + " yen in " + shown(object_of(file), "rows") +
               " rows";
  return lines.empty() ? "the list of files differs" : lines;
}

/// Of a month that has left the book.
Check archive_holds(const store::Archived& archive, const std::string& book) {
  const std::string path = store::archive_folder(book) + "/" + archive.file;
  const auto hash = sha256_of_file(path);
  const bool same = hash && *hash == archive.sha256;
  return Check{"archive", same,
               same   ? "archive/" + archive.file + " has the SHA-256 that the book knows"
               : hash ? path + " was changed: restore it from a backup"
                      : hash.error().detail};
}

std::vector<Check> chain_to(const store::ClosedMonth& last,
                            const std::vector<store::ClosedMonth>& closed) {
  std::string broken;
  std::string before;
  std::size_t months = 0;
  for (const store::ClosedMonth& each : closed) {
    if (each.month > last.month) break;
    ++months;
    const std::string month = to_text(each.month);
    if (finance::sha256(each.manifest) != each.sha256)
      broken += (broken.empty() ? "" : "\n") + month + ": its manifest was changed";
    if (each.previous != before ||
        field(object_of(json::parse(each.manifest)), "previous_sha256") != before)
      broken += (broken.empty() ? "" : "\n") + month + ": is not chained to the month before";
    before = each.sha256;
  }
  return {Check{"chain", broken.empty(),
                broken.empty() ? std::to_string(months) + " months, each sealed with the one before"
                               : broken}};
}

}  // namespace

Reply export_month(const MonthOrder& order, const ProgressReport& report) {
  auto subject = subject_of(order);
  if (auto* fault = std::get_if<Fault>(&subject)) return *fault;
  try {
    return write_files(std::get<Subject>(subject), order, report);
  } catch (const store::Failure& failure) {
    return Fault(FaultCode::cannot_write, failure.what());
  }
}

Reply verify_month(const MonthOrder& order, const ProgressReport& report) {
  auto found = subject_of(order);
  if (auto* fault = std::get_if<Fault>(&found)) return *fault;
  Subject& subject = std::get<Subject>(found);
  store::Accounts accounts = subject.book->accounts();
  const auto closed = accounts.closed(subject.month);
  if (!closed) return Fault(FaultCode::not_found, order.month + " is not closed");
  const MonthPass pass = pass_over(
      *subject.book, subject.month, subject.settings, finance::Format{},
      [](const std::string&, std::string_view) {}, report);
  const std::string manifest = standard_manifest(pass, *closed);
  std::vector<Check> checks = chain_to(*closed, accounts.closed_months());
  const bool same = manifest == closed->manifest;
  checks.push_back(Check{"files", same,
                         same ? std::to_string(pass.files.size()) +
                                    " files, the same bytes as on " + timestamp(closed->closed_at)
                              : changed_files(closed->manifest, manifest)});
  if (const auto archive = accounts.archived(subject.month))
    checks.push_back(archive_holds(*archive, subject.book->file()));
  for (Check& check : equations(*subject.book, subject.month, pass))
    checks.push_back(std::move(check));
  json::object result;
  result["month"] = order.month;
  result["ok"] = all_ok(checks);
  result["sha256"] = closed->sha256;
  result["checks"] = to_json(checks);
  return result;
}

}  // namespace ecrelay::control
