#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "log/capture.h"
#include "log/events.h"
#include "log/log.h"
#include "log/target_sink.h"

namespace ecrelay::log {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

namespace fs = std::filesystem;

std::vector<std::string> lines_in(const fs::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

class Target : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "relay-log-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override {
    stop();
    fs::remove_all(folder_);
  }

  Options to_file(const std::string& name) const {
    return {Level::info, Format::json, "file:" + (folder_ / name).string(), "relay-1"};
  }

  fs::path folder_;
};

TEST_F(Target, FileHoldsEveryLineOnceStopped) {
  ASSERT_TRUE(start(to_file("log")));
  for (int i = 0; i < 1000; ++i) store_trouble("commit", std::to_string(i));
  stop();
  const auto lines = lines_in(folder_ / "log");
  ASSERT_THAT(lines, SizeIs(1000));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(boost::json::parse(lines[i]).at("text").as_string(), std::to_string(i));
  }
}

TEST_F(Target, FileIsNotForEverybodyToRead) {
  ASSERT_TRUE(start(to_file("log")));
  struct stat status {};
  ASSERT_EQ(::stat((folder_ / "log").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0137U, 0U);
}

TEST_F(Target, FileIsAppendedTo) {
  for (int run = 0; run < 2; ++run) {
    ASSERT_TRUE(start(to_file("log")));
    ready(Duration(1));
    stop();
  }
  EXPECT_THAT(lines_in(folder_ / "log"), SizeIs(2));
}

TEST_F(Target, FileIsOpenedAnewAfterItWasMovedAway) {
  ASSERT_TRUE(start(to_file("log")));
  store_trouble("before", "x");
  stop();
  ASSERT_TRUE(start(to_file("log")));
  fs::rename(folder_ / "log", folder_ / "log.1");
  reopen();
  store_trouble("after", "x");
  stop();
  EXPECT_THAT(lines_in(folder_ / "log.1"), ElementsAre(HasSubstr("before")));
  EXPECT_THAT(lines_in(folder_ / "log"), ElementsAre(HasSubstr("after")));
}

TEST_F(Target, LinesGoOnIntoTheOldFileWhenTheNewOneCannotBeOpened) {
  fs::create_directory(folder_ / "sub");
  ASSERT_TRUE(start(to_file("sub/log")));
  fs::rename(folder_ / "sub", folder_ / "moved");
  reopen();
  store_trouble("after", "x");
  stop();
  const auto lines = lines_in(folder_ / "moved" / "log");
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_THAT(lines[0], HasSubstr("cannot reopen"));
  EXPECT_THAT(lines[1], HasSubstr("after"));
}

TEST_F(Target, RefusesWhatIsNeitherStdoutNorAFile) {
  for (const auto* target : {"", "stderr", "file:", "/var/log/x", "syslog"}) {
    Options options;
    options.target = target;
    const auto started = start(options);
    ASSERT_FALSE(started) << target;
    EXPECT_EQ(started.error().code, ErrorCode::invalid) << target;
  }
  const auto missing = start(to_file("no/such/folder"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::unavailable);
}

/// While it lives no file of this process grows beyond `bytes`: a disk that is full.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit full{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &full);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
};

void put(TargetSink& sink, std::string_view line) {
  sink.log({"", spdlog::level::info, spdlog::string_view_t(line.data(), line.size())});
}

TEST_F(Target, GoesOnAfterAFullDiskAndTellsWhatWasLost) {
  auto sink = TargetSink::open(to_file("log"));
  ASSERT_TRUE(sink);
  {
    const FullDisk full(100);
    put(**sink, std::string(400, 'x'));
    put(**sink, "short");
  }
  EXPECT_EQ((*sink)->failed(), 2U);
  put(**sink, "space again");
  const auto lines = lines_in(folder_ / "log");
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_EQ(lines[0], std::string(100, 'x'));
  EXPECT_THAT(lines[1], HasSubstr("\"event\":\"log_lost\",\"node\":\"relay-1\",\"lines\":2"));
  EXPECT_THAT(lines[1], HasSubstr("File too large"));
  EXPECT_EQ(lines[2], "space again");
}

// A pipe that nobody reads is the slowest target there is.
TEST_F(Target, OneThatIsStuckNeverHoldsUpTheCallerAndTellsWhatWasLost) {
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  ASSERT_TRUE(start(to_file("pipe")));
  constexpr int told = 20'000;
  for (int i = 0; i < told; ++i) store_trouble("flood", std::string(400, 'x'));
  const std::size_t dropped = lost();
  EXPECT_GT(dropped, 0U);
  std::string read;
  std::thread drain([&] {
    ::fcntl(reader, F_SETFL, 0);
    std::array<char, 65536> buffer{};
    for (ssize_t n = 0; (n = ::read(reader, buffer.data(), buffer.size())) > 0;) {
      read.append(buffer.data(), static_cast<std::size_t>(n));
    }
  });
  store_trouble("last", "x");
  stop();
  drain.join();
  ::close(reader);
  EXPECT_THAT(read, HasSubstr("\"event\":\"log_lost\""));
  EXPECT_THAT(read, HasSubstr("queue full"));
  EXPECT_THAT(read, HasSubstr("\"operation\":\"last\""));
  const auto arrived = std::count(read.begin(), read.end(), '\n');
  EXPECT_LT(arrived, told);
}

TEST_F(Target, TakesLinesFromManyThreadsWhole) {
  ASSERT_TRUE(start(to_file("log")));
  constexpr int threads = 4;
  constexpr int each = 500;
  std::vector<std::thread> writers;
  for (int t = 0; t < threads; ++t) {
    writers.emplace_back([t] {
      for (int i = 0; i < each; ++i) {
        store_trouble("thread " + std::to_string(t), std::string(100, 'x'));
        if (i % 100 == 0) reopen();
        if (i % 100 == 50) set_level(Level::info);
      }
    });
  }
  for (auto& writer : writers) writer.join();
  stop();
  const auto lines = lines_in(folder_ / "log");
  ASSERT_THAT(lines, SizeIs(threads * each));
  for (const auto& line : lines) EXPECT_NO_THROW(boost::json::parse(line)) << line;
}

TEST(CaptureSink, TakesLinesFromManyThreadsWhole) {
  const Capture capture;
  std::vector<std::thread> writers;
  for (int t = 0; t < 4; ++t) {
    writers.emplace_back([] {
      for (int i = 0; i < 200; ++i) ready(Duration(i));
    });
  }
  for (auto& writer : writers) writer.join();
  EXPECT_THAT(capture.lines(), SizeIs(800));
}

}  // namespace
}  // namespace ecrelay::log
