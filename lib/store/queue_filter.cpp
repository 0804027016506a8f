#include "store/queue_filter.h"

namespace ecrelay::store {

std::string conditions(const QueueFilter& filter) {
  std::string sql;
  if (filter.message) sql += " AND r.message = ?2";
  if (filter.shop) sql += " AND r.message IN (SELECT id FROM message WHERE shop = ?3)";
  if (filter.domain) sql += " AND substr(r.key, -length(?4)) = ?4";
  return sql;
}

std::optional<std::string> key_ending(const std::optional<std::string>& domain) {
  return domain ? std::optional("@" + *domain) : std::nullopt;
}

}  // namespace ecrelay::store
