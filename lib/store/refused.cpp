#include "store/refused.h"

#include <fstream>
#include <string>

#include "store/messages.h"

namespace ecrelay::store {
namespace {

constexpr const char* file_name = "refused";

std::vector<Ulid> read_ids(std::istream& file) {
  std::vector<Ulid> ids;
  for (std::string line; std::getline(file, line);)
    if (const auto id = Ulid::parse(line)) ids.push_back(*id);
  return ids;
}

}  // namespace

void note_refused(const StateDirectory& directory, Files& files, const std::vector<Ulid>& ids) {
  std::string lines;
  for (const Ulid& id : ids) lines += id.text() + "\n";
  const Descriptor file = files.create(directory.folder(), file_name);
  files.append(file.number(), {lines});
  files.sync(file.number());
  files.sync_directory(directory.folder());
}

std::int64_t remove_refused(const StateDirectory& directory, Files& files, Connection& book) {
  std::ifstream file(directory.path() + "/" + file_name);
  if (!file) return 0;
  std::int64_t removed = 0;
  Transaction change(book);
  for (const Ulid& id : read_ids(file)) removed += take_back(change, id);
  change.commit();
  files.remove(directory.folder(), file_name);
  files.sync_directory(directory.folder());
  return removed;
}

}  // namespace ecrelay::store
