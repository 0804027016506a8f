#include "config/secrets.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "config/file.h"
#include "core/escape.h"
#include "core/text.h"

namespace ecrelay::config {
namespace {

constexpr std::size_t largest_secret = 64 * 1024;

enum class Scheme { file, credential, environment };

/// Where a reference leads.
struct Source {
  Scheme scheme;
  std::filesystem::path path;  ///< unless environment
  std::string variable;
};

bool is_credential_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos;
}

bool is_variable_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(),
                                      [](char c) { return text::is_alnum(c) || c == '_'; });
}

Result<Source> credential(std::string_view name) {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (!is_credential_name(name)) return invalid("credential: is not followed by a name");
  if (folder == nullptr) {
    return unavailable("CREDENTIALS_DIRECTORY is not set: systemd sets it for LoadCredential=");
  }
  return Source{Scheme::credential, std::filesystem::path(folder) / name, {}};
}

Result<Source> source_of(std::string_view reference, const std::filesystem::path& folder) {
  const auto colon = reference.find(':');
  const auto scheme = reference.substr(0, colon);
  const auto rest = reference.substr(std::min(colon, reference.size() - 1) + 1);
  if (scheme == "credential") return credential(rest);
  if (scheme == "env") {
    if (!is_variable_name(rest)) return invalid("env: is not followed by a name");
    return Source{Scheme::environment, {}, std::string(rest)};
  }
  if (rest.empty()) return invalid("file: is not followed by a path");
  return Source{Scheme::file, (folder / rest).lexically_normal(), {}};
}

Error about(const std::filesystem::path& path, const Error& error) {
  return Error{error.code, printable(path.native(), 256) + ": " + error.detail};
}

/// What is wrong with the file's owner and mode, or nothing.
std::optional<std::string> exposure(const struct stat& status, Scheme scheme) {
  if (status.st_uid != 0 && status.st_uid != geteuid()) {
    return "belongs to another user (uid " + std::to_string(status.st_uid) + ")";
  }
  // systemd may grant access by an ACL, whose mask shows as group bits; its folder is private.
  const mode_t forbidden = scheme == Scheme::credential ? S_IRWXO | S_IWGRP : S_IRWXO | S_IRWXG;
  if ((status.st_mode & forbidden) != 0) {
    return std::string("is accessible to group or others: chmod 600 would mend it");
  }
  return {};
}

std::size_t length_without_line_ends(std::string_view text) {
  return text.find_last_not_of("\r\n") + 1;
}

Result<Secret> not_empty(Secret secret) {
  if (secret.empty()) return invalid("empty");
  return secret;
}

Result<Secret> secret_from_file(const Source& source) {
  auto file = read_file(source.path, largest_secret);
  if (!file) return about(source.path, file.error());
  Secret secret(std::move(file->text));
  if (const auto fault = exposure(file->status, source.scheme)) {
    return refused(printable(source.path.native(), 256) + " " + *fault);
  }
  const std::size_t length = length_without_line_ends(secret.reveal());
  if (length != secret.reveal().size()) secret = Secret(secret.reveal().substr(0, length));
  auto checked = not_empty(std::move(secret));
  if (!checked) return about(source.path, checked.error());
  return checked;
}

Result<std::string> variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return not_found("the environment has no " + name);
  return std::string(value);
}

}  // namespace

bool is_reference(std::string_view text) {
  return text.starts_with("file:") || text.starts_with("credential:") || text.starts_with("env:");
}

Result<Secret> read_secret(std::string_view reference, const std::filesystem::path& folder) {
  const auto source = source_of(reference, folder);
  if (!source) return source.error();
  if (source->scheme != Scheme::environment) return secret_from_file(*source);
  auto value = variable(source->variable);
  if (!value) return value.error();
  auto secret = not_empty(Secret(*std::move(value)));
  if (!secret) return Error{secret.error().code, source->variable + " is empty"};
  return secret;
}

Result<std::string> read_public(std::string_view reference, const std::filesystem::path& folder) {
  const auto source = source_of(reference, folder);
  if (!source) return source.error();
  if (source->scheme == Scheme::environment) return variable(source->variable);
  auto file = read_file(source->path, largest_secret);
  if (!file) return about(source->path, file.error());
  return std::move(file->text);
}

}  // namespace ecrelay::config
