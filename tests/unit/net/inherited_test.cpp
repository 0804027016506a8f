#include "net/inherited.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sockaddr.h"

namespace ecrelay::net {
namespace {

int listening_on(const char* address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const SocketAddress at = to_socket_address(*Endpoint::parse(address));
  EXPECT_EQ(bind(fd, &at.any, size_of(at)), 0);
  EXPECT_EQ(listen(fd, 1), 0);
  return fd;
}

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

TEST(InheritedSockets, AreTakenByTheirAddressOnce) {
  const int one = listening_on("127.0.0.1:0");
  const int two = listening_on("127.0.0.2:0");
  InheritedSockets sockets({one, two});
  EXPECT_EQ(sockets.left().size(), 2U);
  EXPECT_EQ(sockets.take(*Endpoint::parse("127.0.0.3:0")), std::nullopt);
  EXPECT_EQ(sockets.take(Endpoint(local_endpoint(one).address, 1)), std::nullopt);
  EXPECT_EQ(sockets.take(local_endpoint(two)), two);
  EXPECT_EQ(sockets.take(local_endpoint(two)), std::nullopt);
  EXPECT_EQ(sockets.take(*Endpoint::parse("127.0.0.1:0")), one);
  EXPECT_TRUE(sockets.left().empty());
  close(one);
  close(two);
}

TEST(InheritedSockets, AreClosedWhereNobodyTookThem) {
  const int taken = listening_on("127.0.0.1:0");
  const int left = listening_on("127.0.0.1:0");
  {
    InheritedSockets first({taken, left});
    InheritedSockets sockets(std::move(first));
    sockets.take(local_endpoint(taken));
  }
  EXPECT_TRUE(is_open(taken));
  EXPECT_FALSE(is_open(left));
  close(taken);
}

}  // namespace
}  // namespace ecrelay::net
