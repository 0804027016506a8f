#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ecrelay::policy {

/// An enhanced status code (RFC 3463): class, subject, detail.
struct Status {
  int klass = 0;
  int subject = 0;
  int detail = 0;

  bool operator==(const Status&) const = default;
};

/// "5.1.1" and nothing else.
std::optional<Status> parse_status(std::string_view text);

/// Lower case, Latin letters without accents, Cyrillic ones in lower case, typographic apostrophes
/// and blanks as plain ones: so that a phrase is written once however servers spell it.
std::string folded(std::string_view text);

/// Any code of a class and subject: {5, 7, any_detail} is 5.7.X.
inline constexpr int any_detail = -1;

/// What a reply speaks of, by its words or by codes that mean one thing only. Words and codes
/// stand in reply_words.cpp, a list a topic.
enum class Topic {
  login,         ///< we must authenticate first
  relay,         ///< we, or this client, may not relay or connect there
  sender,        ///< the envelope sender, its domain or its verification
  reputation,    ///< block lists, reputation, SPF, DKIM, DMARC, reverse DNS
  rate,          ///< too much, too fast, too many; also a recipient's own rate limit
  temporary,     ///< says itself that it will pass
  content,       ///< spam, virus, attachment, form of the message
  size,          ///< the message is too large
  line,          ///< a line of the message is too long
  full,          ///< the mailbox is full
  filter,        ///< the recipient's own filter or preference
  group,         ///< a list of people that lets not everybody post
  access,        ///< "access denied"
  disabled,      ///< the mailbox is there and closed: suspended, locked, inactive
  closed,        ///< the same said in a sentence, so that a vague "invalid" beside it is no matter
  unknown_user,  ///< no such mailbox
  unknown_domain,  ///< no such domain, or one that takes no mail
  delivery,        ///< the host could not be reached, or failed; time ran out
};
inline constexpr unsigned topics = static_cast<unsigned>(Topic::delivery) + 1;

/// A reply's text prepared for reading: letters folded (case, Latin accents, Cyrillic case), mail
/// addresses and URLs taken out (their letters are names, not statements), phrases that frame every
/// bounce left out, every enhanced code collected. Cost is linear in the text, the first 4 KiB of
/// which are read.
class ReplyText {
 public:
  ReplyText(std::string_view enhanced, std::string_view text);

  bool says(Topic topic) const;
  /// The phrase stands there between characters that are no ASCII letters or digits. Folded; a '*'
  /// between blanks is any one word.
  bool contains(std::string_view phrase) const;
  /// What stands for the '*' of the topic's phrases where they are found: names.
  std::vector<std::string> named_by(Topic topic) const;
  /// Among the reply's own code and those inside its text.
  bool has(const Status& status) const;
  bool has_class(int klass) const;
  /// No code at all, or only such as say nothing (X.0.X).
  bool only_generic() const;

 private:
  std::string words_;
  std::uint32_t topics_;  ///< bit n: words of topic n stand there
  std::vector<Status> codes_;
};

}  // namespace ecrelay::policy
