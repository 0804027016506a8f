#include "policy/reply_words.h"

namespace ecrelay::policy {
namespace {

// What servers in use say, from the corpus of reports, vendors' documents and the servers' own
// sources (the rows of suppression_rule.cpp name what decides). Folded as ReplyText folds (lower
// case, no accents), whole words, '|' between them; '*' stands for any one word.

constexpr std::string_view login_words =
    "authentication required|authentication is required|must authenticate|not authenticated|"
    "login required|smtp auth required|please authenticate|must issue a starttls|"
    "must be authenticated|authenticate first|authorization required|requires authentication";
constexpr std::string_view relay_words =
    "relay access denied|relaying denied|relay denied|relaying not permitted|relaying not allowed|"
    "relay not permitted|not permitted to relay|unable to relay|no relaying|relay prohibited|"
    "relaying prohibited|relaying is prohibited|cannot relay|relay not allowed|not an open relay|"
    "not allowed to relay|not configured to relay|relaying mail to|rcpthosts|"
    "don't handle mail for|do not handle mail for|not a gateway|not local host|"
    "client host rejected|helo command rejected|no access from mail server";
constexpr std::string_view sender_words =
    "sender rejected|sender was rejected|sender address|bad sender|sender refused|sender verify|"
    "sender domain|sender denied|envelope sender|verification failed|callout verification|"
    "sending domain|domain of sender|return path|unroutable sender|invalid sender|"
    "sender is invalid|unverified sender|sender not allowed|sender mailbox|mail from domain|"
    "mail from address|mail from command|invalid mail from|mail from * rejected|sender unknown|"
    "unknown sender|sender not found|sender does not exist|sender's domain|address of sender|"
    "from address|return address|"
    "差出人アドレス|差出人のドメイン|差出人ドメイン|送信元ドメイン|送信者アドレス|"
    "адрес отправителя|домен отправителя|absenderadresse|absender abgelehnt|absender unbekannt|"
    "expediteur refuse|expediteur inconnu|adresse de l'expediteur|remitente rechazado|"
    "remitente desconocido|mittente rifiutato|mittente sconosciuto|remetente rejeitado|"
    "remetente desconhecido";
constexpr std::string_view reputation_words =
    "blocked|blacklisted|blacklist|black list|black listed|block list|blocklist|blocklisted|"
    "block listed|listed by|is listed|banned|spamhaus|spamcop|sorbs|barracuda|dnsbl|"
    "rbl|reputation|dmarc|dkim|spf|reverse dns|ptr|rdns|tss04|tss09|tss11|poor ip|bad ip|"
    "denied by policy|policy violation|policy reasons|local policy|organization policy|"
    "unsolicited|not authorized|unauthenticated|security policies|security reasons|invalid ip|"
    "dynamic ip|generic dns|client address|your ip|sending ip|source ip|"
    "service refused|service refuse|ip name lookup failed|domain authentication requirements|"
    "拒否リスト|ブラックリスト|黑名单|спам-лист|черный список|"
    "ip address is|ip address has|ip addresses|ip=*";
constexpr std::string_view rate_words =
    "too quickly|receiving mail at a rate|unusual rate|rate limit|rate limited|rate limiting|"
    "ratelimit|frequency limited|"
    "too many messages|"
    "too many connections|too many recipients|too many emails|too many mails|too many invalid|"
    "too many unknown|too many bad|too many concurrent|too many errors|too many sessions|"
    "hourly limit|daily limit|per hour|per minute|per day|per session|messages they can receive|"
    "sending limit|sending quota|message limit|throttled|throttling|receiving too many|"
    "unusual sending activity|送信制限|宛先数が多|发送频率|превышен лимит";
constexpr std::string_view temporary_words =
    "try again later|try later|retry later|come back later|temporarily|temporary|greylisted|"
    "greylisting|greylist|graylisted|graylisting|please try again in|busy|veuillez essayer plus "
    "tard|"
    "vorubergehend|временно|しばらくして|しばらくたって|一時的|时重试|稍后";
constexpr std::string_view content_words =
    "spam|virus|malware|infected|phishing|attachment|attachments|message rejected|mail rejected|"
    "message content|content filter|content filtering|content filters|content rejected|"
    "content denied|content policy|content checker|content restriction|content restrictions|"
    "content not accepted|prohibited content|unacceptable content|banned contents|"
    "because of content|due to content|content type not|matched a filter|junk mail|junk|"
    "rfc 5322|rfc5322|rfc 2822|rfc2822|rfc 822|rfc compliant|ube|banned file|suspicious|"
    "message header|message headers|missing header|message-id header|bulk mail|"
    "迷惑メール|スパム|ウイルス|ウィルス|添付ファイル|垃圾邮件|病毒|спам|вирус|pourriel";
constexpr std::string_view size_words =
    "message size|size limit|size exceeds|too large|too big|maximum size|message length|"
    "exceeds maximum|exceeds fixed maximum|mail size|exceeded size|larger than the|"
    "maximum message|maximum inbound message|our limit is|over the maximum size|"
    "exceeds the maximum|larger than|taille limite|taille du message|trop volumineux|zu gross|"
    "demasiado grande|troppo grande|muito grande|слишком больш|"
    "メールサイズ|メッセージサイズ|サイズが大き|サイズを超え|サイズオーバー|サイズ制限|邮件过大|"
    "大小超";
constexpr std::string_view line_words = "line too long|line length|lines too long|line limit";
constexpr std::string_view full_words =
    "quota|overquota|quotas|mailbox full|mailbox is full|inbox is full|full mailbox|inbox full|"
    "mailbox was full|mailbox is currently full|folder is full|account is full|account full|"
    "box is full|mailbox of the recipient is full|mailbox of recipient is full|"
    "out of storage|too much mail data|storage limit|storage allocation|exceeded storage|"
    "exceeded local limit|exceeded the local limit|insufficient space|not enough space|"
    "not enough storage|not enough disk space|enough space|no space left|space has been used up|"
    "disk space limit|mail folder is full|mailfolder is full|mailbox exceeds|mailbox size|"
    "mailbox has exceeded|mailbox exceeded|exceeding receiving limits|"
    "messages in recipient's mailbox|storage full|over the allowed|"
    "mail file size exceeds|maximum allowed mailbox|maximum mailbox|mailbox limit|"
    "boite du destinataire pleine|boite pleine|boite aux lettres pleine|est pleine|"
    "mailbox voll|mailbox ist voll|postfach * voll|postfach ist * voll|postfach voll|postfach ist "
    "voll|ist voll|postfach des empfangers ist voll|"
    "casella piena|posta piena|buzon lleno|buzon esta lleno|caixa postal cheia|"
    "caixa cheia|caixa de correio cheia|caixa de entrada cheia|skrzynka pelna|"
    "ящик переполнен|переполнен|превышена квота|"
    "容量オーバー|容量を超え|容量が超過|容量を超過|容量に達|容量の上限|容量制限|容量が上限|"
    "容量超過|容量がいっぱい|容量不足|保存容量|"
    "メールボックスがいっぱい|メールボックスが一杯|メールボックスが満杯|満杯|空き容量|"
    "受信箱がいっぱい|邮箱已满|空间已满|空间不足|已满|容量已满|容量超限";
constexpr std::string_view filter_words =
    "filtered|message filtered|recipient preferences|recipient's preferences|rcp-p2|rcp-p3|privacy "
    "settings|"
    "rejected by recipient|refused by recipient|recipient's filter|rejected by user|"
    "personal filter|rejected by the recipient|refused by the recipient|refuses to accept your|"
    "refused your mail|user refuses|has been denied by the recipient|"
    "not accepting mail from|does not wish to receive|受信拒否|受信を拒否|着信拒否|拒收";
constexpr std::string_view group_words =
    "group you tried to contact|google groups|google グループ|google 网上论坛|google 群組|"
    "google gruppen|google группы|google группы|google-gruppen|groupes google|grupos de google|"
    "gruppi google|google grupper|google 그룹스|googleグループ|permission to post|"
    "not a member of|are not member|not a subscriber|subscribers only|members only|"
    "only members|not subscribed|only accepts messages from|notauthorized|not authorized to send|"
    "sendernotauthenticatedforgroup|moderated|投稿する権限|会員ではありません";
constexpr std::string_view access_words = "access denied";
constexpr std::string_view unknown_user_words =
    "user unknown|unknown user|userunknown|unknown recipient|recipient unknown|unknown mailbox|"
    "recipients are unknown|unknown recipients|unknown or invalid recipient|"
    "unknown or invalid user|invalid or unknown|mailbox unknown|unknown account|account unknown|"
    "address unknown|addresses were unknown|unknown address|unknown e-mail address|"
    "unknown email address|unknown local part|unknown local-part|unknown virtual user|"
    "unknown or illegal alias|unknown alias|unknown username|username unknown|"
    "no such user|no such recipient|no such mailbox|no such account|no such address|"
    "no such person|no such email|no such e-mail|no such local user|no such alias|no such username|"
    "no mailbox here|no mailbox found|no mailbox by that name|no mailbox at|no mailbox with|"
    "no mail box available|no account by that name|no one at this address|no user by that name|"
    "nobody by that name|nobody here|nobody with that name|no one by that name|"
    "no matching recipient|user not found|"
    "recipient not found|recipient * not found|mailbox not found|account not found|"
    "address not found|recipnotfound|exrecipnotfound|recipientnotfound|invalidinsmtp|mailbox * not "
    "found|user * not found|"
    "address * not found|account * not found|alias not found|"
    "address was not found|name was not found|was not found in the recipient's|address could not "
    "be found|"
    "address couldn't be found|mailbox could not be found|recipient could not be found|"
    "user could not be found|could not be found, or was misspelled|recipient wasn't found|"
    "name is not found|name not recognized|name is not recognized|not found by smtp address lookup|"
    "user does not exist|user doesn't exist|users does not exist|user * does not exist|"
    "user * doesn't exist|user does not exists|doesn't exist: @|@ doesn't exist|@ does not exist|"
    "user not exist|mailbox not exist|account not exist|nonexistent user|non-existent user|"
    "non existent user|nonexistent recipient|non-existent recipient|nonexistent mailbox|"
    "non-existent mailbox|nonexistent address|non-existent address|nonexistent account|"
    "non-existent account|"
    "mailbox does not exist|mailbox doesn't exist|mailbox * does not exist|"
    "account does not exist|account doesn't exist|account * does not exist|"
    "recipient does not exist|recipient doesn't exist|recipient * does not exist|"
    "recipient not exist|recipient no longer|address does not exist|address doesn't exist|"
    "address * does not exist|email does not exist|e-mail does not exist|username does not exist|"
    "tried to reach does not exist|does not exist here|no longer exists|"
    "no longer exist|user don't have|does not have an account|"
    "doesn't have an account|has no account|have no mailbox|"
    "invalid recipient|invalid recipients|invalid receiver|invalid mailbox|mailbox invalid|"
    "invalid user|invalid username|invalid address|invalid e-mail address|invalid email address|"
    "invalid local part|invalid localpart|invalid destination|invalid account|invalid alias|"
    "invalid-recipient|address invalid|"
    "recipient is invalid|recipient invalid|user invalid|address is invalid|illegal alias|"
    "illegal user|illegal recipient|bad address|bad destination|bad user|bad mailbox|"
    "badrcptto|badrecipientto|undeliverable address|address is undeliverable|"
    "not a valid recipient|not a valid mailbox|not a valid user|not a valid address|"
    "not a valid e-mail|not a valid email|not a valid account|not a valid alias|not valid user|"
    "recipient is not valid|address is not valid|user is not valid|"
    "not a known user|not a known recipient|not known here|not a local user|not a local address|"
    "not a local mailbox|not in my list|not in list of|not on our server|not on this server|"
    "not on this system|not at this address|validrcptto|not an active address|"
    "recipient no longer on server|recipient is not local|user not local|not our customer|"
    "not our client|not one of our|do not know this person|don't know this person|"
    "user not known|user is not known|user is unknown|recipient is unknown|recipient is not known|"
    "recipient name is not recognized|unrecognized recipient|not listed in|"
    "not listed in domino|address not present|not present here|mailbox not present|"
    "no longer available at this address|"
    "wrong or no longer valid|no longer at this|no longer here|no longer in service|"
    "no longer in use|never existed|"
    "no longer on this server|no longer employed|inactive email address|missing home directory|"
    "left the company|no longer with|no longer working|no longer works|no longer a customer|"
    "mailbox has been deleted|account has been deleted|account deleted|user deleted|"
    "user is terminated|"
    "bouncing as an invalid address|hasn't been registered|has not been registered|"
    "ofr_416|lpn007_416|"
    // French, German, Italian, Spanish, Portuguese, Dutch, Polish
    "utilisateur inconnu|destinataire inconnu|destinataire invalide|adresse inconnue|"
    "adresse invalide|boite inconnue|compte inconnu|adresse * introuvable|est introuvable|"
    "n'existe pas|n'existe plus|destinataires invalides|"
    "benutzer unbekannt|benutzer nicht gefunden|benutzer existiert nicht|empfanger unbekannt|"
    "unbekannter empfanger|unbekannter benutzer|empfangeradresse * nicht gefunden|"
    "wurde nicht gefunden|nicht gefunden|existiert nicht|nicht bekannt|adresse ungultig|"
    "postfach nicht vorhanden|postfach unbekannt|kein postfach|"
    "utente sconosciuto|utente inesistente|utente non trovato|destinatario sconosciuto|"
    "destinatario inesistente|casella inesistente|indirizzo inesistente|nessun utente|"
    "non esiste|"
    "usuario desconocido|usuario no existe|usuario inexistente|destinatario desconocido|"
    "no existe el usuario|cuenta no existe|buzon no existe|direccion no existe|"
    "ese usuario|dicha persona|no existe|no se encontro la direccion|"
    "usuario desconhecido|usuario nao existe|usuario nao encontrado|destinatario desconhecido|"
    "destinatario inexistente|conta nao existe|conta inexistente|caixa postal inexistente|"
    "nao existe|inexistente|"
    "gebruiker onbekend|onbekende gebruiker|bestaat niet|nieznany uzytkownik|nie istnieje|"
    // Russian
    "пользователь не найден|пользователя не существует|пользователь не существует|"
    "нет такого пользователя|нет такого адреса|нет такого ящика|такого адреса не существует|"
    "такого пользователя нет|такого пользователя не существует|адрес не существует|"
    "адреса не существует|ящик не существует|ящик не найден|адресат не найден|"
    "неизвестный пользователь|неизвестный получатель|получатель не найден|не существует|"
    // Japanese, Chinese, Korean
    "ディレクトリのリストにありません|宛先不明|あて先不明|宛先が不明|存在しません|存在しない|"
    "存在していません|存在致しません|ユーザーが見つかりません|ユーザが見つかりません|"
    "アドレスが見つかりません|宛先が見つかりません|受信者が見つかりません|"
    "ユーザー不明|ユーザ不明|ユーザー名が不明|無効なアドレス|無効な宛先|無効な受信者|"
    "アドレスが無効|アドレスに誤り|使用されていません|使われておりません|使われていません|"
    "解約され|退会され|该用户不存在|用户不存在|收件人不存在|邮箱不存在|帐号不存在|账号不存在|"
    "账户不存在|地址不存在|不存在|找不到收件人|查无此人|用户未找到|無此用戶|使用者不存在|"
    "존재하지 않는|존재하지 않습니다|"
    "user doesn't have|address not recognized|user not recognized|recipient not recognized|user "
    "not registered|address not registered|recipient not registered|recipients do not "
    "exist|addresses do not exist|users do not exist|address is no longer valid|no longer a valid";
constexpr std::string_view disabled_words =
    "disabled|suspended|inactive|deactivated|frozen|locked|discontinued|account expired|"
    "account closed|account has been closed|mailbox closed|temporarily limited|is limited|dormant|"
    "deactivated mailbox|inactivity|no longer accepts mail|no longer accepting mail|"
    "not accepting messages|not currently accepting|not currently being accepted|"
    "account is not active|user is not active|account unavailable|account temporarily unavailable|"
    "desactive|suspendu|gesperrt|deaktiviert|disabilitata|desactivada|bloqueada|desativada|"
    "заблокирован|отключен|停止中|利用停止|凍結|休止|ロックされ|停用|冻结|禁用";
constexpr std::string_view unknown_domain_words =
    "host unknown|host not found|unknown host|unrouteable mail domain|unknown domain|"
    "unknown mail domain|unknown domain name|domain unknown|"
    "domain is unknown|non-existent hosts|non-existent host|nonexistent domain|nonexistentdomain|"
    "non-existent domain|non existent domain|infodomainnonexistent|"
    "domain has no mail|host or domain name not found|host or domain not found|"
    "no smtp service|null mx|nullmx|domain not found|domain name not found|domain could not be "
    "found|"
    "domain couldn't be found|domain * couldn't be found|domain * could not be found|"
    "domain * not found|host * not found|domain * does not exist|domain * doesn't exist|"
    "domain does not exist|domain doesn't exist|domain doesnt exist|domain must exist|"
    "no such domain|no such host|nxdomain|no mx record found|no mx record|"
    "no mx records|no mx or a records|no mx or a record|no mx or address records|"
    "no a or mx record|no valid mx|has no mx|no mail exchanger|"
    "name or service not known|unrouteable address|unroutable address|unroutable domain|"
    "couldn't find any host|can't find any host|host is not found|"
    "illegal host/domain name|bad destination system|"
    "bad destination host|"
    "not a registered domain|domain is not registered|domain has expired|"
    "no route to domain|"
    "domaine inconnu|domaine inexistant|domaine * introuvable|unbekannte domain|domain unbekannt|"
    "dominio inesistente|dominio sconosciuto|dominio no existe|dominio inexistente|"
    "dominio desconocido|домен не существует|домен не найден|неизвестный домен|"
    "ドメインが見つかりません|ドメインが存在しません|ドメインは存在しません|ホストが見つかりません|"
    "ドメインが不明|域名不存在|找不到域|域名无法解析|"
    "domain * does not accept mail|does not accept mail (nullmx";
constexpr std::string_view delivery_words =
    "timed out|timeout|time out|time-out|connection refused|connection reset|could not connect|"
    "could not deliver for|not responding|did not respond|not respond|network error|"
    "network is unreachable|no route to host|host is unreachable|host unreachable|socket error|"
    "retry time|retry timeout|expired|undeliverable for|not delivered within|"
    "not be delivered for|in the queue too long|giving up|too many hops|mail loop|looping|"
    "loops back|loop detected|forwarding loop|hop count|system error|local error|"
    "configuration error|config error|disk full|disk space|disk quota|insufficient system|"
    "resources|mailer error|mailer died|command died|command failed|name service error|"
    "not reachable|unreachable|unable to deliver|no valid recipients|service unavailable|"
    "service currently unavailable|server error|server failure|internal error|lost connection|"
    "connection dropped|connection closed|connection lost|attempts|failing for a long time|"
    "without delivery|lookup failed|lookup failure|best-preference mx|multiple retries|"
    "could not find a gateway for|no route found to domain|aborted after|servfail|dns error|dns "
    "query failed|dns failure|queue period|been queued|cannot connect|"
    "unable to connect|could not be reached|delivery time|can't create|write error|"
    "child process|returned status|misconfigured|over the maximum number of attempts|"
    "接続できません|応答がありません|タイムアウト|期限切れ|時間内に配信|配信期限|连接超时|无法连接";
constexpr std::string_view closed_words =
    "account is disabled|account disabled|account has been disabled|mailbox is disabled|"
    "mailbox disabled|account is suspended|account suspended|account has been suspended|"
    "account has been temporarily suspended|mailbox is suspended|user is suspended|"
    "account is locked|account is frozen|mailbox is frozen|account is blocked|account is inactive|"
    "mailbox is inactive|account inactive|user disabled|user suspended|disabled or discontinued";
// What the frame of a bounce says whatever has happened.
constexpr std::string_view frame_words =
    "rejected by the recipient domain|rejected by the server for the recipient domain|"
    "message headers follow|message header follow|headers of the original message|"
    "original message headers|header of the original message|contents of original message|"
    "relates to a message you sent with the following header fields|"
    "copy of the message header|content-type|content-transfer-encoding|content-disposition|"
    "content-description|if you do so, please include this problem report|giving up on|may contain "
    "sections "
    "which represent base64 encoded file attachments|may not exist|可能不存在|存在しない可能性|"
    "rejected recipient|here is listed the initial part of|message contains * file attachments|"
    "recipient verification failed";

constexpr Status sender_codes[] = {{5, 1, 7}, {5, 1, 8}};
constexpr Status rate_codes[] = {{4, 5, 3}, {5, 5, 3}, {5, 2, 121}, {5, 2, 122}};
constexpr Status content_codes[] = {{5, 6, any_detail}};
constexpr Status size_codes[] = {{5, 2, 3}, {5, 3, 4}};
constexpr Status full_codes[] = {{4, 2, 2}, {5, 2, 2}};
constexpr Status disabled_codes[] = {{5, 7, 13}};
constexpr Status domain_codes[] = {{5, 4, 310}};
constexpr Status delivery_codes[] = {{4, 4, any_detail}, {4, 3, any_detail}};
constexpr Status filter_codes[] = {{5, 2, 0}};

}  // namespace

std::string_view words_of_frames() { return frame_words; }

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
    case Topic::group:
      return {{}, group_words};
    case Topic::access:
      return {{}, access_words};
    case Topic::disabled:
      return {disabled_codes, disabled_words};
    case Topic::closed:
      return {{}, closed_words};
    case Topic::unknown_user:
      return {{}, unknown_user_words};
    case Topic::unknown_domain:
      return {domain_codes, unknown_domain_words};
    case Topic::delivery:
      return {delivery_codes, delivery_words};
  }
  return {};
}

}  // namespace ecrelay::policy
