#include "control/new_key.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>

#include "control/caller.h"
#include "control/fields.h"
#include "control/json.h"
#include "core/escape.h"
#include "core/text.h"
#include "mail/address.h"
#include "store/files.h"

namespace ecrelay::control {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

/// Labels of letters, digits and inner hyphens (RFC 6376 3.1), as a file name and a DNS name.
bool is_selector(std::string_view text) {
  for (const std::string_view label : text::split(text, '.')) {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') {
      return false;
    }
    if (!std::all_of(label.begin(), label.end(),
                     [](char c) { return text::is_alnum(c) || c == '-'; })) {
      return false;
    }
  }
  return text.size() <= 100;
}

store::Failure failure(const fs::path& path) {
  if (errno == EEXIST) {
    return store::Failure(printable(path.string()) +
                          ": exists already, and is left as it is: choose another selector");
  }
  return store::system_failure(printable(path.string()));
}

void write_all(int file, std::string_view text, const fs::path& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0) throw failure(path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// Root writes for the daemon's user, who owns the folder of keys.
void give_to_owner_of(const fs::path& folder, int file, const fs::path& path) {
  struct stat status {};
  if (::geteuid() != 0) return;
  if (::stat(folder.c_str(), &status) != 0) throw failure(folder);
  if (::fchown(file, status.st_uid, status.st_gid) != 0) throw failure(path);
}

void sync_folder(const fs::path& folder) {
  const store::Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened || ::fsync(opened.number()) != 0) throw failure(folder);
}

void write_key(const fs::path& folder, const fs::path& path, const Secret& pem) {
  const store::Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) throw failure(path);
  try {
    write_all(file.number(), pem.reveal(), path);
    give_to_owner_of(folder, file.number(), path);
    if (::fsync(file.number()) != 0) throw failure(path);
    sync_folder(folder);
  } catch (const store::Failure&) {
    ::unlink(path.c_str());  // half a key would stand in the way of the next try
    throw;
  }
}

std::string owner_of(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? user_name(status.st_uid) : "";
}

void make_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0) {
    const store::Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened) throw failure(folder);
    give_to_owner_of(folder.parent_path(), opened.number(), folder);
  } else if (errno != EEXIST) {
    throw failure(folder);
  }
}

}  // namespace

Reply make_key(const NewKey& wanted) {
  const std::string domain = mail::domain_key(wanted.domain);
  const std::string selector = text::lowered(wanted.selector);
  if (!mail::check_domain(domain)) {
    return Fault(FaultCode::invalid, "'" + printable(wanted.domain, 320) + "' is no mail domain");
  }
  if (!is_selector(selector)) {
    return Fault(FaultCode::invalid, "'" + printable(wanted.selector, 128) +
                                         "' is no selector (letters, digits, hyphens, dots)");
  }
  const Result<dkim::Key> key = dkim::Key::generate(wanted.algorithm);
  if (!key) return Fault(FaultCode::internal, key.error().detail);

  const fs::path folder = fs::absolute(wanted.config).parent_path() / "keys";
  const std::string name = key_file_name(domain, selector);
  try {
    make_folder(folder);
    write_key(folder, folder / name, key->pem());
  } catch (const store::Failure& failed) {
    return Fault(FaultCode::cannot_write, failed.what());
  }
  json::object result;
  result["file"] = json_text((folder / name).string());
  result["owner"] = json_text(owner_of(folder / name));
  result["domain"] = json_text(domain);
  result["selector"] = json_text(selector);
  result["algorithm"] = dkim::name(key->algorithm());
  result["yaml"] =
      json_text("dkim: [{selector: \"" + selector + "\", key: \"file:keys/" + name + "\"}]");
  result["name"] = json_text(selector + "._domainkey." + domain);
  result["record"] = json_text(key->record());
  return result;
}

std::string key_file_name(const std::string& domain, const std::string& selector) {
  return domain + "." + selector + ".pem";
}

Result<dkim::Key> read_key(const fs::path& file) {
  std::ifstream opened(file, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(opened), {});
  if (!opened) return unavailable("cannot read " + printable(file.string()));
  return dkim::Key::parse(Secret(std::move(text)));
}

std::string render_new_key(const json::object& result) {
  return "written: " + shown(result, "file") + "\nowner: " + shown(result, "owner") +
         "; it must be the user that the relay runs as\nin the configuration, at the domain " +
         shown(result, "domain") + ":\n  " + shown(result, "yaml") + "\nin DNS, before that:\n  " +
         shown(result, "name") + "  TXT  " + printable(field(result, "record"), 4096) + "\n";
}

}  // namespace ecrelay::control
