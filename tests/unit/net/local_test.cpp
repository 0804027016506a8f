#include "net/local.h"

#include <sys/stat.h>
#include <sys/un.h>

#include <filesystem>
#include <fstream>

#include "unit/net/loop.h"

namespace ecrelay::net {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class UnixListenerTest : public Loop {
 protected:
  UnixListenerTest() {
    std::string pattern = (fs::temp_directory_path() / "net-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    path = (folder_ / "control.sock").string();
  }
  ~UnixListenerTest() override { fs::remove_all(folder_); }

  std::string path;

 private:
  fs::path folder_;
};

void ignore(const std::string&) {}

TEST_F(UnixListenerTest, CarriesLinesAndKnowsThePeer) {
  auto listener = UnixListener::open(executor(), path);
  ASSERT_TRUE(listener) << listener.error().detail;
  spawn(listener->serve(
      [&](LocalStream stream) {
        listener->stop();
        spawn([](LocalStream taken) -> asio::awaitable<void> {
          EXPECT_EQ(taken.peer().uid, getuid());
          EXPECT_EQ(taken.peer().pid, getpid());
          while (auto line = co_await taken.read_line()) {
            const std::string answer = "<" + *line + ">\n";
            co_await taken.write(answer);
          }
        }(std::move(stream)));
      },
      &ignore));
  spawn([](std::string at) -> asio::awaitable<void> {
    auto stream = co_await connect_local(at, after(20s));
    EXPECT_TRUE(stream);
    const std::string longest(200'000, 'x');
    const std::string text = "status\n\n" + longest + "\nunfinished";
    co_await stream->write(text);
    shutdown(stream->stream().native_handle(), SHUT_WR);
    EXPECT_EQ(co_await stream->read_line(), "<status>");
    EXPECT_EQ(co_await stream->read_line(), "<>");
    EXPECT_EQ(co_await stream->read_line(), "<" + longest + ">");
    EXPECT_EQ(co_await stream->read_line(), std::nullopt);
  }(path));
  run();
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(UnixListenerTest, RefusesALineBeyondTheLimit) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  spawn([](LocalStream reader, LocalStream writer) -> asio::awaitable<void> {
    co_await writer.write("12345\n123456\n");
    EXPECT_EQ(co_await reader.read_line(5), "12345");
    bool refused = false;
    try {
      co_await reader.read_line(5);
    } catch (const IoError& error) {
      refused = error.trouble() == Trouble::closed;
    }
    EXPECT_TRUE(refused);
  }(LocalStream(Stream(executor(), ends[0])), LocalStream(Stream(executor(), ends[1]))));
  run();
}

TEST_F(UnixListenerTest, IsForOwnerAndGroupOnlyWhateverTheUmask) {
  for (const mode_t mask : {0000U, 0077U}) {
    const mode_t before = umask(mask);
    auto listener = UnixListener::open(executor(), path);
    umask(before);
    ASSERT_TRUE(listener);
    struct stat file {};
    ASSERT_EQ(stat(path.c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 07777, 0660U);
  }
}

TEST_F(UnixListenerTest, ReplacesADeadSocketOnly) {
  {
    const int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    ASSERT_EQ(bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ::close(dead);
  }
  auto listener = UnixListener::open(executor(), path);
  ASSERT_TRUE(listener) << listener.error().detail;
  const auto second = UnixListener::open(executor(), path);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  listener->stop();
  std::ofstream(path) << "a file";
  const auto over_file = UnixListener::open(executor(), path);
  ASSERT_FALSE(over_file);
  EXPECT_EQ(over_file.error().code, ErrorCode::conflict);
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(UnixListenerTest, LeavesASuccessorsFileAlone) {
  auto first = UnixListener::open(executor(), path);
  ASSERT_TRUE(first);
  fs::rename(path, path + ".old");
  auto second = UnixListener::open(executor(), path);
  ASSERT_TRUE(second);
  first->stop();
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(UnixListenerTest, CannotBeReachedWhenItIsNotThere) {
  std::ofstream(path + ".file") << "";
  spawn([](std::string at) -> asio::awaitable<void> {
    const auto missing = co_await connect_local(at, after(20s));
    EXPECT_EQ(missing.error().code, ErrorCode::not_found);
    const std::string file = at + ".file";
    const auto not_socket = co_await connect_local(file, after(20s));
    EXPECT_EQ(not_socket.error().code, ErrorCode::unavailable);
    const std::string too_long(200, 'x');
    const auto impossible = co_await connect_local(too_long, after(20s));
    EXPECT_EQ(impossible.error().code, ErrorCode::invalid);
  }(path));
  run();
}

}  // namespace
}  // namespace ecrelay::net
