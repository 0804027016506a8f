#include "policy/reply_words.h"

namespace ecrelay::policy {
namespace {

// Phrases of servers in use, from the corpus of reports and vendors' documents (the rows of
// suppression_rule.cpp name their sources). Lower case, whole words, '|' between them.
constexpr std::string_view login_words =
    "authentication required|authentication is required|must authenticate|not authenticated|"
    "login required|smtp auth required|please authenticate|must issue a starttls|"
    "must be authenticated";
constexpr std::string_view relay_words =
    "relay access denied|relaying denied|relay denied|relaying not permitted|"
    "relay not permitted|not permitted to relay|unable to relay|no relaying|relay prohibited|"
    "not allowed to relay|client host rejected|helo command rejected";
constexpr std::string_view sender_words =
    "sender rejected|sender address|bad sender|sender refused|sender verify|sender domain|sender "
    "denied|envelope sender|"
    "verification failed|callout verification|sending domain|domain of sender|return path|"
    "unroutable sender|invalid sender|sender is invalid|unverified sender|sender not allowed|"
    "sender mailbox|mail from|sender unknown|unknown sender";
constexpr std::string_view reputation_words =
    "blocked|blacklisted|blacklist|block list|blocklist|blocklisted|block listed|listed by|"
    "banned|spamhaus|spamcop|sorbs|barracuda|dnsbl|rbl|reputation|dmarc|dkim|spf|reverse dns|"
    "ptr|rdns|tss04|tss09|tss11|poor ip|bad ip|denied by policy|policy violation|unsolicited|"
    "not authorized|unauthenticated|rejected for policy reasons|security policies|invalid ip";
constexpr std::string_view rate_words =
    "too quickly|receiving mail at a rate|unusual rate|rate limit|rate limited|rate limiting|"
    "ratelimit|frequency limited|too many messages|too many connections|too many recipients|"
    "too many emails|too many mails|too many invalid|too many unknown|too many bad|"
    "hourly limit|daily limit|per hour|per minute|per day|"
    "sending limit|sending quota|message limit|throttled|throttling|receiving too many";
constexpr std::string_view temporary_words =
    "try again later|try later|retry later|temporarily|temporary|greylisted|greylisting|"
    "greylist|graylisted|please try again in|busy";
constexpr std::string_view content_words =
    "spam|virus|malware|infected|phishing|attachment|content|message rejected|mail rejected|"
    "rfc 5322|rfc 2822|rfc compliant|ube|banned file|suspicious|message header|message headers";
constexpr std::string_view size_words =
    "message size|size limit|size exceeds|too large|too big|maximum size|message length|"
    "exceeds maximum|mail size|exceeded size";
constexpr std::string_view line_words = "line too long|line length|lines too long";
constexpr std::string_view full_words =
    "quota|mailbox full|mailbox is full|inbox is full|full mailbox|mailbox was full|"
    "out of storage|too much mail data|storage limit|storage allocation|exceeded storage|"
    "exceeded local limit|exceeded the local limit|insufficient space|not enough space|"
    "not enough storage|no space left|space has been used up|disk space limit|"
    "mail folder is full|mailfolder is full|mailbox exceeds|mailbox size|mailbox has exceeded|"
    "maximum allowed mailbox|boite du destinataire pleine|boite pleine|mailbox voll|postfach voll|"
    "casella piena|buzon lleno|ящик переполнен|"
    "容量オーバー|容量を超え|容量制限|メールボックスがいっぱい|メールボックスが一杯|邮箱已满|"
    "空间不足";
constexpr std::string_view filter_words =
    "filtered|message filtered|recipient preferences|rejected by recipient|"
    "refused by recipient|recipient's filter|rejected by user|personal filter|"
    "rejected by the recipient";
constexpr std::string_view access_words = "access denied";
constexpr std::string_view unknown_user_words =
    "user unknown|unknown user|unknown recipient|recipient unknown|unknown mailbox|"
    "mailbox unknown|unknown account|address unknown|unknown address|unknown local part|"
    "unknown local-part|unknown virtual user|unknown or illegal alias|no such user|"
    "no such recipient|no such mailbox|no such account|no such address|no such person|"
    "no such email|no mailbox here|no mailbox found|no mailbox by that name|"
    "no account by that name|no one at this address|nobody by that name|user not found|"
    "recipient not found|mailbox not found|account not found|address not found|"
    "could not be found|name is not found|user does not exist|user doesn't exist|"
    "user not exist|mailbox does not exist|mailbox doesn't exist|account does not exist|"
    "account doesn't exist|recipient does not exist|recipient not exist|"
    "address does not exist|address doesn't exist|email does not exist|"
    "tried to reach does not exist|does not exist here|no longer exists|user doesn't have|"
    "invalid recipient|invalid mailbox|mailbox invalid|invalid user|invalid address|"
    "invalid local part|address invalid|bad address|bad destination|badrcptto|"
    "not a valid recipient|not a valid mailbox|not a valid user|not a known user|"
    "not a local user|not in my list|validrcptto|not an active address|"
    "recipient no longer on server|not our customer|user not known|recipient is not known|"
    "recipient name is not recognized|not listed in|address not present|"
    "no longer available at this address|inactive email address|"
    "left the company|no longer with|no longer working|"
    "utilisateur inconnu|destinataire inconnu|destinataire invalide|adresse inconnue|"
    "n'existe pas|benutzer unbekannt|empfänger unbekannt|existiert nicht|utente sconosciuto|"
    "casella inesistente|usuario desconocido|usuario no existe|ese usuario|dicha persona|"
    "usuário desconhecido|"
    "пользователь не найден|пользователя не существует|"
    "ディレクトリのリストにありません|宛先不明|宛先が不明|存在しません|ユーザーが見つかりません|"
    "用户不存在|收件人不存在|邮箱不存在|帐号不存在";
constexpr std::string_view disabled_words =
    "disabled|suspended|inactive|deactivated|frozen|locked|discontinued|account expired|"
    "account closed|temporarily limited|is limited";
constexpr std::string_view unknown_domain_words =
    "host unknown|host not found|unknown host|unrouteable mail domain|unknown domain|"
    "domain is unknown|non-existent hosts|non-existent host|domain has no mail|host or domain name "
    "not found|"
    "no smtp service|null mx|nullmx|domain not found|domain does not exist|"
    "no such domain|nxdomain|no mx record found|name or service not known|unrouteable address|"
    "domain name not found|no route to domain|does not accept mail";
constexpr std::string_view delivery_words =
    "timed out|timeout|time out|connection refused|connection reset|could not connect|"
    "could not deliver for|not responding|did not respond|network error|network is unreachable|"
    "no route to host|host is unreachable|socket error|retry time|retry timeout|expired|"
    "undeliverable for|not delivered within|not be delivered for|in the queue too long|"
    "giving up|too many hops|mail loop|hop count|system error|local error|configuration error|"
    "disk full|disk space|disk quota|insufficient system|resources|mailer error|"
    "name service error|not reachable|unable to deliver|no valid recipients|"
    "service unavailable|server error|internal error|lost connection|connection dropped";

constexpr Status sender_codes[] = {{5, 1, 7}, {5, 1, 8}};
constexpr Status rate_codes[] = {{4, 5, 3}, {5, 5, 3}};
constexpr Status content_codes[] = {{5, 6, any_detail}};
constexpr Status size_codes[] = {{5, 2, 3}, {5, 3, 4}};
constexpr Status full_codes[] = {{4, 2, 2}, {5, 2, 2}};
constexpr Status disabled_codes[] = {{5, 7, 13}};
constexpr Status delivery_codes[] = {{4, 4, any_detail}, {4, 3, any_detail}};
constexpr Status filter_codes[] = {{5, 2, 0}};

}  // namespace

Signs signs_of(Topic topic) {
  switch (topic) {
    case Topic::login:
      return {{}, login_words};
    case Topic::relay:
      return {{}, relay_words};
    case Topic::sender:
      return {sender_codes, sender_words};
    case Topic::reputation:
      return {{}, reputation_words};
    case Topic::rate:
      return {rate_codes, rate_words};
    case Topic::temporary:
      return {{}, temporary_words};
    case Topic::content:
      return {content_codes, content_words};
    case Topic::size:
      return {size_codes, size_words};
    case Topic::line:
      return {{}, line_words};
    case Topic::full:
      return {full_codes, full_words};
    case Topic::filter:
      return {filter_codes, filter_words};
    case Topic::access:
      return {{}, access_words};
    case Topic::disabled:
      return {disabled_codes, disabled_words};
    case Topic::unknown_user:
      return {{}, unknown_user_words};
    case Topic::unknown_domain:
      return {{}, unknown_domain_words};
    case Topic::delivery:
      return {delivery_codes, delivery_words};
  }
  return {};
}

}  // namespace ecrelay::policy
