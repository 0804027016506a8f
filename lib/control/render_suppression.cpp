#include <algorithm>
#include <array>

#include "control/fields.h"
#include "control/render.h"
#include "control/table.h"
#include "core/escape.h"

namespace ecrelay::control {
namespace {

namespace json = boost::json;

/// The same thing in English and in Japanese.
struct Phrase {
  std::string_view name;
  std::string_view english;
  std::string_view japanese;
};

constexpr auto reasons = std::to_array<Phrase>({
    {"hard", "the mailbox does not exist", "宛先のメールボックスが存在しません"},
    {"domain", "the domain does not exist or takes no mail",
     "ドメインが存在しないか、メールを受け取りません"},
    {"soft-count", "it was full, closed or unreachable too often",
     "容量超過・休止・不達などの一時エラーが続きました"},
    {"complaint", "the recipient has reported mail as spam",
     "受信者が迷惑メールとして通報しました"},
    {"unsubscribe", "the recipient wants no more of it", "受信者が配信停止を希望しました"},
    {"manual", "put there by hand", "手作業で登録されました"},
});
constexpr auto events = std::to_array<Phrase>({
    {"added", "listed", "登録"},
    {"confirmed", "seen again", "再確認"},
    {"replaced", "replaced", "置き換え"},
    {"lapsed", "ended", "期限切れ"},
    {"cleared", "cleared", "解除"},
});

/// Speaks one of the two languages.
class Voice {
 public:
  explicit Voice(std::string_view language) : japanese_(language == "ja") {}

  std::string operator()(std::string_view english, std::string_view japanese) const {
    return std::string(japanese_ ? japanese : english);
  }
  template <std::size_t size>
  std::string word(const std::array<Phrase, size>& phrases, const std::string& name) const {
    for (const Phrase& each : phrases)
      if (each.name == name) return operator()(each.english, each.japanese);
    return name;
  }
  /// One line: what it is about, and the text.
  std::string line(std::string_view english, std::string_view japanese,
                   const std::string& text) const {
    std::string label = "  " + operator()(english, japanese);
    const std::size_t width = display_width(label);
    return label + std::string(width < 16 ? 16 - width : 1, ' ') + text + "\n";
  }

 private:
  bool japanese_;
};

std::string shop_of(const json::object& row, const Voice& say) {
  const std::string shop = shown(row, "shop");
  if (shop.empty()) return say("every shop", "全ショップ");
  const std::string name = shown(row, "shop_name");
  return say("shop ", "ショップ ") + shop + (name.empty() ? "" : " (" + name + ")");
}

std::string standing_of(const json::object& row, const Voice& say) {
  const std::string standing = field(row, "standing");
  const std::string until = time_field(row, "expires_at");
  const std::string trial = shown(row, "trial");
  if (standing == "on_trial")
    return say("its time was over at " + until + "; message " + trial +
                   " tries whether the address lives, all others are held back",
               until + " に期限が切れ、メール " + trial +
                   " で到達を確認中。結果が出るまで他のメールは止まります");
  if (standing == "untried")
    return say("its time was over at " + until + ": the next message tries whether it lives",
               until + " に期限切れ。次の1通で到達を確認します");
  if (standing == "alive")
    return say("over: message " + trial + " was delivered and nothing came back",
               "終了。メール " + trial + " が届き、エラーは戻りませんでした");
  if (standing == "over") return say("over since " + until, until + " に終了");
  if (standing == "lifted")
    return say("lifted until ", "一時解除中: ") + time_field(row, "lifted_until") +
           say(", then it holds again", " まで。その後また止まります");
  if (standing == "dry_run")
    return say("would block (dry run): mail is sent", "試行モード: 記録のみで、メールは送られます");
  if (until == "-") return say("blocks for good", "停止中（期限なし）");
  const bool finding = field(row, "tries_again") == "true";
  return say("blocks until " + until + (finding ? ", then one message tries again" : ""),
             "停止中。" + until + " まで" + (finding ? "、その後1通だけ試します" : ""));
}

std::string mail_of(const json::object& row, const Voice& say) {
  const json::object& mail = part(row, "mail");
  std::string text = shown(row, "message");
  if (mail.empty()) return text;
  return text + say(" \"", " 「") + shown(mail, "subject") + say("\", accepted ", "」 受付 ") +
         time_field(mail, "accepted_at");
}

std::string entry_screen(const json::object& row, const Voice& say) {
  std::string text =
      "\n" + shop_of(row, say) + say(", entry ", "、エントリ ") + shown(row, "entry") + "\n";
  text += say.line("state", "状態", standing_of(row, say));
  text += say.line("since", "いつから", time_field(row, "since"));
  text += say.line("why", "理由",
                   say.word(reasons, field(row, "reason")) + " (" + shown(row, "reason") + ")");
  text += say.line("evidence", "証拠", shown(row, "evidence"));
  if (const std::string last = shown(row, "last_evidence"); !last.empty())
    text += say.line("seen again", "再確認", time_field(row, "last_seen") + " " + last);
  if (!field(row, "message").empty()) text += say.line("mail", "きっかけ", mail_of(row, say));
  return text + say.line("by", "登録者", shown(row, "actor"));
}

std::string verdict(const json::object& result, const Voice& say) {
  const json::array& shops = list(result, "blocked_for");
  if (!truth(result, "blocked"))
    return list(result, "entries").empty()
               ? say("NOT BLOCKED: not on the list", "止まっていません: リストに載っていません")
               : say("NOT BLOCKED", "止まっていません");
  std::string names;
  for (const json::value& each : shops) {
    const std::string shop = each.is_string() ? printable(std::string(each.get_string())) : "";
    if (shop.empty()) return say("BLOCKED for every shop", "止まっています: 全ショップ");
    names += (names.empty() ? "" : ", ") + shop;
  }
  return say("BLOCKED for ", "止まっています: ショップ ") + names;
}

std::string count_of(const json::object& result, const Voice& say) {
  const std::string held = shown(result, "held_back");
  const std::string last = time_field(result, "held_back_last");
  std::string text = "\n";
  text += say.line("held back", "止めた宛先",
                   held + say(" recipients", " 件") +
                       (last == "-" ? "" : say(", the last at ", "、最後は ") + last));
  for (const json::value& each : list(result, "points")) {
    const json::object& points = object_of(each);
    text += say.line("points", "一時エラー",
                     shown(points, "count") + say(" of ", " / ") + shown(points, "needed") + " (" +
                         shown(points, "kind") + ", " + shop_of(points, say) +
                         say(", last ", "、最後 ") + time_field(points, "last") + ")");
  }
  if (const std::string parked = shown(result, "parked"); !parked.empty() && parked != "0")
    text += say.line("parked", "保留",
                     say("a candidate of a wave: see suppression parked list",
                         "大量エラーの候補として保留中 (suppression parked list)"));
  return text;
}

std::string history_of(const json::object& result, const Voice& say) {
  const json::array& rows = list(result, "history");
  if (rows.empty()) return {};
  Table table({{say("  HISTORY", "  履歴")},
               {""},
               {say("SHOP", "ショップ"), Align::left, 14},
               {say("BY", "だれが"), Align::left, 18},
               {say("WHY", "なぜ"), Align::left, 56}});
  for (const json::value& each : rows) {
    const json::object& row = object_of(each);
    const std::string shop = field(row, "shop");
    const bool by_hand = field(row, "event") == "cleared" || field(row, "event") == "lapsed";
    table.add(
        {"  " + time_field(row, "at"), say.word(events, field(row, "event")),
         shop.empty() ? say("(all)", "(全)") : shop, field(row, "actor"),
         by_hand ? field(row, "reason") : field(row, "reason") + ": " + field(row, "evidence")});
  }
  return "\n" + table.text();
}

std::string advice(const json::object& result, const Voice& say) {
  if (!truth(result, "blocked")) return {};
  const std::string command =
      "ecrelayctl suppression clear '" + shown(result, "key") + "' --reason \"…\"";
  const bool complaint = truth(result, "second_person");
  return "\n" + say("to let mail through again: ", "解除するには: ") + command + "\n" +
         (complaint
              ? say("a complaint is cleared by two persons: each gives this command\n",
                    "迷惑メール通報の解除には2人の操作が必要です（それぞれがこのコマンドを実行）\n")
              : "");
}

}  // namespace

std::string render_suppression(const json::object& result, std::string_view language) {
  const Voice say(language);
  std::string text = shown(result, "key") + "\n" + verdict(result, say) + "\n";
  for (const json::value& each : list(result, "entries"))
    text += entry_screen(object_of(each), say);
  return text + count_of(result, say) + history_of(result, say) + advice(result, say);
}

// --- the other commands of the list -------------------------------------------------------------

namespace {

std::string entries(const json::array& rows) {
  Table table({{"ENTRY", Align::right},
               {"ADDRESS", Align::left, 40},
               {"SHOP", Align::left, 16},
               {"REASON"},
               {"SINCE"},
               {"UNTIL"},
               {"BY", Align::left, 16},
               {"EVIDENCE", Align::left, 60}});
  for (const json::value& each : rows) {
    const json::object& row = object_of(each);
    const std::string shop = field(row, "shop");
    std::string until = time_field(row, "expires_at");
    if (until == "-") until = "for good";
    if (truth(row, "dry_run")) {
      until += " (dry run)";
    } else if (!truth(row, "blocking")) {
      until += field(row, "lifted_until").empty() ? " (over)" : " (lifted)";
    }
    table.add({field(row, "entry"), field(row, "address"), shop.empty() ? "(all)" : shop,
               field(row, "reason"), time_field(row, "since"), until, field(row, "actor"),
               field(row, "evidence")});
  }
  return table.text();
}

std::string with_more(const json::object& result, std::string text) {
  if (truth(result, "more")) text += "… there may be more: raise --limit\n";
  return text;
}

std::string again(const json::object& result) {
  return truth(result, "more") ? "… there are more: give the command again\n" : "";
}

std::string counts(const json::object& by_reason) {
  std::string text;
  for (const auto& each : by_reason)
    text += " " + printable(std::string(each.key())) + " " + shown(by_reason, each.key());
  return text.empty() ? " none" : text;
}

}  // namespace

std::string render_suppressions(const json::object& result) {
  const json::array& rows = list(result, "entries");
  return rows.empty() ? "no entries\n" : with_more(result, entries(rows));
}

std::string render_parked(const json::object& result) {
  const json::array& rows = list(result, "entries");
  return rows.empty() ? "nothing is parked\n" : with_more(result, entries(rows));
}

std::string render_added(const json::object& entry) {
  const std::string shop = shown(entry, "shop");
  const std::string until = time_field(entry, "expires_at");
  return shown(entry, "key") + " is on the list" + (shop.empty() ? "" : " of shop " + shop) +
         (until == "-" ? " for good" : " until " + until) + " (entry " + shown(entry, "entry") +
         ")\n";
}

std::string render_cleared(const json::object& result) {
  constexpr std::size_t most_shown = 20;
  const json::array& rows = list(result, "cleared");
  const std::string until = time_field(result, "until");
  std::string text;
  for (std::size_t i = 0; i < std::min(rows.size(), most_shown); ++i) {
    const json::object& entry = object_of(rows[i]);
    const std::string shop = shown(entry, "shop");
    text += (until == "-" ? "cleared" : "lifted") + std::string(" entry ") + shown(entry, "entry") +
            ": " + shown(entry, "key") + ", " + shown(entry, "reason") +
            (shop.empty() ? "" : ", shop " + shop) + (until == "-" ? "" : ", until " + until) +
            "\n";
  }
  if (rows.size() > 1) text += std::to_string(rows.size()) + " entries in all\n";
  if (const std::string times = shown(result, "clearings"); !times.empty() && times != "0")
    text += "WARNING: cleared " + times +
            " times within 90 days. If mail to it bounces again, let the customer check the "
            "address.\n";
  for (const json::value& each : list(result, "waiting")) {
    const json::object& entry = object_of(each);
    text += "entry " + shown(entry, "entry") +
            " is a complaint: a second person has to give the same command within 7 days\n";
  }
  return text + again(result);
}

std::string render_clear_preview(const json::object& result) {
  return "would be cleared:" + counts(part(result, "clear")) +
         "\nwould stay:      " + counts(part(result, "stay")) + "\n";
}

std::string render_decided(const json::object& result) {
  return shown(result, "count") + " candidates of @" + shown(result, "domain") +
         (truth(result, "released") ? " are on the list now\n" : " are dropped\n") + again(result);
}

std::string render_history(const json::object& result) {
  Table table({{"AT"},
               {"EVENT"},
               {"ENTRY", Align::right},
               {"SHOP", Align::left, 16},
               {"REASON", Align::left, 40},
               {"BY", Align::left, 20},
               {"EVIDENCE", Align::left, 70}});
  for (const json::value& each : list(result, "events")) {
    const json::object& row = object_of(each);
    const std::string shop = field(row, "shop");
    table.add({time_field(row, "at"), field(row, "event"), field(row, "entry"),
               shop.empty() ? "(all)" : shop, field(row, "reason"), field(row, "actor"),
               field(row, "evidence")});
  }
  return shown(result, "key") + "\n" + with_more(result, table.text());
}

}  // namespace ecrelay::control
