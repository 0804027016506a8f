#include <gtest/gtest.h>

#include <fstream>

#include "unit/store/fixture.h"

/// Files that have changed under us: one message suffers, the others do not, and nothing that is
/// damaged is taken for mail or for a book.
namespace ecrelay::store {
namespace {

using records::State;

class Damage : public testing::Test {
 protected:
  /// Three messages in one segment, and a closed store.
  Damage() {
    Store store(settings(directory_.path()));
    for (unsigned n = 1; n <= 3; ++n)
      where_[n] = std::get<Stored>(accept(store.writer(), mail(n))).location();
  }

  std::string segment() const {
    return directory_.path() + "/spool/" + Spool::name(where_[1].segment);
  }
  static void flip(const std::string& file, std::uint64_t at, int bit = 0) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(at));
    const int byte = stream.get();
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put(static_cast<char>(byte ^ (1 << bit)));
  }
  ErrorCode why_not(Store& store, unsigned n) {
    const auto body = store.read(id_of(n), where_[n]);
    EXPECT_FALSE(body);
    return body ? ErrorCode::refused : body.error().code;
  }

  TemporaryDirectory directory_;
  records::Location where_[4];
};

TEST_F(Damage, AFlippedBitInASegmentCostsItsMessageAndNoOther) {
  flip(segment(), where_[2].offset + 200);
  Store store(settings(directory_.path()));
  EXPECT_TRUE(holds(store, 1));
  EXPECT_EQ(why_not(store, 2), ErrorCode::invalid);
  EXPECT_TRUE(holds(store, 3));
  EXPECT_TRUE(std::holds_alternative<Stored>(accept(store.writer(), mail(4))));
}

TEST_F(Damage, ATornLastRecordIsNoMailAndThoseBeforeItAre) {
  std::filesystem::resize_file(segment(), where_[3].offset + 100);
  Store store(settings(directory_.path()));
  EXPECT_TRUE(holds(store, 2));
  EXPECT_EQ(why_not(store, 3), ErrorCode::invalid);
}

TEST_F(Damage, AMissingSegmentIsSaidAndEverythingElseIsServed) {
  std::filesystem::remove(segment());
  Store store(settings(directory_.path()));
  EXPECT_EQ(store.start_report().segments_missing, std::set<std::uint64_t>{where_[1].segment});
  EXPECT_EQ(why_not(store, 1), ErrorCode::not_found);
  EXPECT_TRUE(std::holds_alternative<Stored>(accept(store.writer(), mail(4))));
  EXPECT_TRUE(holds(store, 4));
  EXPECT_TRUE(Inquiry(store.book()).trace(id_of(1))) << "the row is all that is left of it";
}

TEST_F(Damage, AnErrorOfReadingIsNeitherAMissingSegmentNorADamagedOne) {
  std::filesystem::remove(segment());
  std::filesystem::create_directory(segment());  // read(2) fails on it
  Store store(settings(directory_.path()));
  EXPECT_EQ(why_not(store, 1), ErrorCode::unavailable);
}

/// What the opening of a damaged book, or else the work with it, says.
std::string complaint(const std::string& directory) {
  try {
    Store store(settings(directory));
    const AcceptOutcome answer = accept(store.writer(), mail(9));
    if (const auto* failed = std::get_if<Failed>(&answer)) return failed->reason;
    const auto recorded = record(store.writer(), outcome(id_of(1), 0, State::sent));
    return recorded ? "" : recorded.error().detail;
  } catch (const Failure& failure) {
    return failure.what();
  }
}

TEST_F(Damage, AFlippedBitInThePageOfATableThatIsWrittenIsFoundAndNamesTheBook) {
  const std::string book = directory_.path() + "/book.db";
  std::map<std::string, std::uint64_t> roots;
  {
    Connection connection(book, Access::read, reader_patience);
    Rows rows = connection.query(
        "SELECT name, rootpage FROM sqlite_schema WHERE name IN ('message', 'recipient', 'daily')");
    while (rows.next()) {
      std::string name = rows.text();
      roots[name] = rows.number<std::uint64_t>();
    }
  }
  ASSERT_EQ(roots.size(), 3u);
  for (const auto& [table, page] : roots) {
    flip(book, (page - 1) * 4096, 3);  // the page's type
    const std::string said = complaint(directory_.path());
    EXPECT_NE(said.find("book.db"), std::string::npos) << table << ": " << said;
    EXPECT_NE(said.find("damaged"), std::string::npos) << table << ": " << said;
    flip(book, (page - 1) * 4096, 3);
  }
  EXPECT_EQ(complaint(directory_.path()), "") << "as it was before";
}

TEST_F(Damage, WhatIsNoBookIsNotOverwritten) {
  const std::string book = directory_.path() + "/book.db";
  flip(book, 3, 1);
  const auto size = std::filesystem::file_size(book);
  EXPECT_NE(complaint(directory_.path()), "");
  EXPECT_EQ(std::filesystem::file_size(book), size);
}

}  // namespace
}  // namespace ecrelay::store
