// Fills a state folder with queued messages, by the way all mail takes into the store.
//
//   fill_book STATE_DIR COUNT [FROM SECONDS]     each of one recipient; due from so many seconds
//   on,
//                                                spread over so many
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <variant>

#include "store/store.h"

namespace {

using namespace ecrelay;

/// So many are on their way at a time: enough for large batches.
constexpr std::uint64_t window = 4'000;

Ulid id_of(std::uint64_t n, TimePoint at) {
  std::array<std::uint8_t, 10> random{};
  for (std::size_t i = 0; i < 8; ++i)
    random[9 - i] = static_cast<std::uint8_t>(n >> (8 * i) & 0xff);
  return Ulid(at, random);
}

store::Acceptance message(std::uint64_t n, TimePoint at, TimePoint due) {
  static const auto body = std::make_shared<const std::string>(
      "From: info@shop-a.example\r\nSubject: backlog\r\n\r\n" + std::string(500, 'x') + "\r\n");
  store::Acceptance acceptance;
  records::Message& row = acceptance.message;
  row.id = id_of(n, at);
  row.accepted_at = at;
  row.expires_at = at + std::chrono::days(2);
  row.shop = "shop-a";
  row.host = "app-1";
  row.client = "127.0.0.1";
  row.sender = row.header_from = "info@shop-a.example";
  row.message_id = "<" + std::to_string(n) + "@shop-a.example>";
  row.subject = "backlog";
  row.upstream = "default";
  row.lane = records::Lane::bulk;
  records::Recipient recipient;
  recipient.message = row.id;
  recipient.address = recipient.key = "c" + std::to_string(n) + "@customer.example";
  recipient.due = due;
  acceptance.recipients.push_back(std::move(recipient));
  acceptance.head = "Received: by relay-1; backlog\r\n";
  acceptance.body = body;
  row.size = acceptance.head.size() + body->size();
  return acceptance;
}

/// Counts answers, and lets the filling wait for them.
class Window {
 public:
  void wait_for_room(std::uint64_t sent) {
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [&] { return sent < answered_ + window; });
  }
  void wait_for_all(std::uint64_t sent) { wait_for_room(sent + window - 1); }
  void answer(const store::AcceptOutcome& outcome) {
    const std::lock_guard lock(mutex_);
    ++answered_;
    if (!std::holds_alternative<store::Stored>(outcome)) ++failed_;
    moved_.notify_one();
  }
  std::uint64_t failed() const { return failed_; }

 private:
  std::mutex mutex_;
  std::condition_variable moved_;
  std::uint64_t answered_ = 0;
  std::uint64_t failed_ = 0;
};

struct Due {
  std::uint64_t from = 0;
  std::uint64_t spread = 0;
};

std::uint64_t number(const char* text) { return std::strtoull(text, nullptr, 10); }

int fill(const std::string& state_dir, std::uint64_t count, Due seconds) {
  store::Store::Settings settings;
  settings.state_dir = state_dir;
  store::Store store(settings);
  Window answers;
  const TimePoint at = now();
  for (std::uint64_t n = 0; n < count; ++n) {
    answers.wait_for_room(n);
    const TimePoint due = at + Duration(seconds.from * 1'000 + n * seconds.spread * 1'000 / count);
    std::ignore = store.writer().accept(
        message(n, at, due), [&](const store::AcceptOutcome& outcome) { answers.answer(outcome); });
  }
  answers.wait_for_all(count);
  store.writer().stop();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(now() - at);
  std::printf("%llu messages in %lld ms, %llu failed\n", static_cast<unsigned long long>(count),
              static_cast<long long>(took.count()),
              static_cast<unsigned long long>(answers.failed()));
  return answers.failed() == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: fill_book STATE_DIR COUNT [FROM SECONDS]\n", stderr);
    return 64;
  }
  try {
    return fill(argv[1], number(argv[2]), argc > 4 ? Due{number(argv[3]), number(argv[4])} : Due{});
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "fill_book: %s\n", failure.what());
    return 70;
  }
}
