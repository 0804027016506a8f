// Before the library's header, which is C99 and says _Bool.
#define _Bool bool
#include <opendkim/dkim.h>
#undef _Bool

#include <algorithm>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "core/text.h"
#include "dkim/signature_field.h"
#include "dkim/signed_fields.h"
#include "dkim/signer.h"

namespace ecrelay::dkim {

namespace {

using Library = std::unique_ptr<DKIM_LIB, decltype(&dkim_close)>;
using Handle = std::unique_ptr<DKIM, decltype(&dkim_free)>;

// The library's prototypes take what they only read as pointers to mutable unsigned characters.
u_char* bytes(std::string_view text) {
  return reinterpret_cast<u_char*>(const_cast<char*>(text.data()));
}

Library open_library() {
  Library library(dkim_init(nullptr, nullptr), &dkim_close);
  if (!library) throw std::runtime_error("libopendkim cannot start");
  // It copies the list; the names end in NUL because they are literals.
  std::vector<const char*> names;
  for (const std::string_view name : signed_fields()) names.push_back(name.data());
  names.push_back(nullptr);
  if (dkim_options(library.get(), DKIM_OP_SETOPT, DKIM_OPTS_OVERSIGNHDRS, names.data(),
                   sizeof(const char**)) != DKIM_STAT_OK ||
      !dkim_libfeature(library.get(), DKIM_FEATURE_SHA256)) {
    throw std::runtime_error("libopendkim lacks oversigning or SHA-256");
  }
  return library;
}

Error failure(DKIM* handle, DKIM_STAT status) {
  const char* reason = handle != nullptr ? dkim_geterror(handle) : nullptr;
  const std::string text =
      std::string("libopendkim: ") + (reason != nullptr ? reason : dkim_getresultstr(status));
  return status == DKIM_STAT_SYNTAX ? invalid(text) : unavailable(text);
}

bool ends_in_crlf(std::span<const std::string_view> body) {
  std::string end;
  for (auto piece = body.rbegin(); piece != body.rend() && end.size() < 2; ++piece) {
    end.insert(0, piece->substr(piece->size() - std::min<std::size_t>(2, piece->size())));
  }
  return end.ends_with("\r\n");
}

DKIM_STAT feed(DKIM* handle, std::span<const Field> fields,
               std::span<const std::string_view> body) {
  std::string line;
  for (const Field& field : fields) {
    line.assign(field.name).append(":").append(field.value);
    if (const DKIM_STAT status = dkim_header(handle, bytes(line), line.size())) return status;
  }
  if (const DKIM_STAT status = dkim_eoh(handle)) return status;
  for (const std::string_view piece : body) {
    if (piece.empty()) continue;
    if (const DKIM_STAT status = dkim_body(handle, bytes(piece), piece.size())) return status;
  }
  // To the relaxed rules a missing last line end is there (RFC 6376 3.4.4); the library fails, or
  // hashes wrongly when white space comes last.
  constexpr std::string_view line_end = "\r\n";
  if (!ends_in_crlf(body)) {
    if (const DKIM_STAT status = dkim_body(handle, bytes(line_end), line_end.size())) return status;
  }
  return dkim_eom(handle, nullptr);
}

/// One RSA signature with a library handle nobody else uses meanwhile.
Result<std::string> sign_one(DKIM_LIB* library, std::span<const Field> fields,
                             std::span<const std::string_view> body, const Identity& identity) {
  DKIM_STAT status = DKIM_STAT_OK;
  const Handle handle(
      dkim_sign(library, bytes("ecrelay"), nullptr, bytes(identity.key.pem().reveal()),
                bytes(identity.selector), bytes(identity.domain), DKIM_CANON_RELAXED,
                DKIM_CANON_RELAXED, DKIM_SIGN_RSASHA256, -1, &status),
      &dkim_free);
  if (!handle) return failure(nullptr, status);
  status = feed(handle.get(), fields, body);
  u_char* text = nullptr;
  std::size_t size = 0;
  if (status == DKIM_STAT_OK) {
    status = dkim_getsighdr_d(handle.get(), signature_name.size() + 2, &text, &size);
  }
  if (status != DKIM_STAT_OK) return failure(handle.get(), status);
  return std::string(signature_name) + ": " +
         std::string(reinterpret_cast<const char*>(text), size) + "\r\n";
}

/// Library handles, each lent to one signature at a time: the time of a signature is an option of
/// the handle, so threads cannot share one.
class Libraries {
 public:
  Libraries() { give_back(open_library()); }

  Library take() const {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return open_library();
    Library library = std::move(idle_.back());
    idle_.pop_back();
    return library;
  }

  void give_back(Library library) const {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(library));
  }

 private:
  mutable std::mutex mutex_;
  mutable std::vector<Library> idle_;
};

class OpendkimSigner final : public Signer {
 public:
  Result<std::string> sign(std::string_view head, std::span<const std::string_view> body,
                           std::span<const Identity> identities, TimePoint at) const override {
    const auto fields = fields_to_sign(head);
    if (!fields) return fields.error();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
    if (seconds <= 0) return invalid("libopendkim signs no time before 1970");
    auto time = static_cast<std::uint64_t>(seconds);
    Library library = libraries_.take();
    dkim_options(library.get(), DKIM_OP_SETOPT, DKIM_OPTS_FIXEDTIME, &time, sizeof time);

    std::string signatures;
    for (const Identity& identity : identities) {
      if (const auto usable = check(identity); !usable) return usable.error();
      // libopendkim 2.11 frees only RSA keys: every Ed25519 signature leaks its key and 550 bytes.
      const auto signature = identity.key.algorithm() == Algorithm::rsa_sha256
                                 ? sign_one(library.get(), *fields, body, identity)
                                 : cached_->sign(head, body, std::span(&identity, 1), at);
      if (!signature) return signature.error();
      signatures += *signature;
    }
    libraries_.give_back(std::move(library));
    return signatures;
  }

 private:
  Libraries libraries_;
  std::unique_ptr<Signer> cached_ = make_cached_signer();
};

}  // namespace

std::unique_ptr<Signer> make_opendkim_signer() { return std::make_unique<OpendkimSigner>(); }

}  // namespace ecrelay::dkim
