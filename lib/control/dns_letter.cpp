#include <array>
#include <string>
#include <vector>

#include "control/fields.h"
#include "control/render.h"
#include "core/escape.h"

/// `dns show --format ja`: a letter in Japanese, ready to be sent.
namespace ecrelay::control {
namespace {

namespace json = boost::json;

struct Words {
  std::string_view purpose;
  std::string_view title;
  std::string_view why;
};
constexpr auto words = std::to_array<Words>({
    {"dkim", "DKIM（電子署名）",
     "送信メールが改ざんやなりすましによるものでないことを、受信側が確認するための公開鍵です。"},
    {"spf", "SPF（送信元サーバーの許可）",
     "弊社の配信サーバーからの送信を許可するための設定です。"},
    {"return-path", "エラーメールの受信先",
     "宛先不明などのエラーメールを弊社の配信サーバーで受け取るための設定です。"},
    {"dmarc", "DMARC（なりすまし対策の方針）",
     "主要なメールサービスが送信者に求めている設定です。すでに登録されている場合は変更不要です。"},
});

const Words& words_for(const std::string& purpose) {
  for (const Words& each : words) {
    if (each.purpose == purpose) return each;
  }
  return words.front();
}

/// What goes into the form of a provider that adds the domain by itself.
std::string short_name(const std::string& name, const std::string& domain) {
  if (name == domain) return "@（または空欄）";
  const std::string ending = "." + domain;
  return name.ends_with(ending) ? name.substr(0, name.size() - ending.size()) : name;
}

std::string found_in(const json::object& record) {
  std::string text;
  for (const json::value& each : list(record, "found")) {
    if (each.is_string()) text += "    " + printable(each.get_string(), 4096) + "\n";
  }
  return text;
}

/// Who does what; `ours`: the operator does it, and the shop only hears of it.
std::string what_to_do(const json::object& record, bool ours) {
  const std::string state = field(record, "state");
  const std::string old = found_in(record);
  const std::size_t count = list(record, "found").size();
  const bool spf = field(record, "purpose") == "spf";
  std::string text = "  作業      : ";
  if (state != "differs" || old.empty()) {
    text += ours ? "弊社にてレコードを新規に追加いたします。\n"
                 : "レコードを新規に追加してください。\n";
    if (!spf || state != "unknown" || ours) return text;
    // A second SPF record would make both void.
    return text +
           "              "
           "現在の設定を確認できませんでした。「v=spf1」で始まるレコードがすでにある場合は、\n"
           "              追加せずに、その内容を弊社までお知らせください。\n";
  }
  const std::string what = count > 1
                               ? "現在の" + std::to_string(count) + "件のレコードを、下記の1件に"
                               : "現在のレコードを下記の値に";
  text += ours ? "弊社にて" + what + "変更いたします。" : what + "変更してください。";
  if (spf && !ours)
    text +=
        "\n              "
        "SPFは1つのドメインに1件のみ有効です。追加ではなく、必ず置き換えてください。";
  return text + "\n  現在の値  :\n" + old;
}

std::string value_lines(const json::object& record, bool ours) {
  const std::string type = field(record, "type");
  std::string value = printable(field(record, "value"), 4096);
  if (type != "MX") {
    std::string text = "  値        : " + value + "\n";
    const json::array& strings = list(record, "strings");
    if (strings.size() < 2 || ours) return text;
    text +=
        "  ※1つの値が255文字までに制限されている場合は、次のように分けて入力してください。\n   ";
    for (const json::value& each : strings) {
      if (each.is_string()) text += " \"" + printable(each.get_string(), 512) + "\"";
    }
    return text + "\n";
  }
  const auto space = value.find(' ');
  return "  優先度    : " + value.substr(0, space) + "\n  値        : " + value.substr(space + 1) +
         "\n";
}

std::string item(const json::object& record, const std::string& domain, int number, bool ours) {
  const std::string name = shown(record, "name");
  const Words& about = words_for(field(record, "purpose"));
  const std::string hint = "              （" + domain + " を省いて入力する管理画面では「" +
                           short_name(name, domain) + "」）\n";
  return "【" + std::to_string(number) + "】" + std::string(about.title) +
         (truth(record, "needed") ? "　※必須" : "　※推奨") + "\n  " + std::string(about.why) +
         "\n" + what_to_do(record, ours) + "  ホスト名  : " + name + "\n" + (ours ? "" : hint) +
         "  種別      : " + shown(record, "type") + "\n" + value_lines(record, ours) + "\n";
}

struct Items {
  std::string to_do;
  std::string done;
  int count = 0;
};

Items items_of(const json::object& result) {
  Items items;
  const bool ours = field(result, "dns") == "operator";
  for (const json::value& each : list(result, "records")) {
    const json::object& record = object_of(each);
    if (field(record, "by") == "operator" || field(record, "value").empty()) continue;
    const std::string state = field(record, "state");
    if (state == "ok" || state == "waiting") {
      items.done += "  ・" + std::string(words_for(field(record, "purpose")).title) + "  " +
                    shown(record, "name") + "\n";
    } else {
      items.to_do += item(record, shown(result, "domain"), ++items.count, ours);
    }
  }
  return items;
}

constexpr std::string_view rule =
    "----------------------------------------------------------------\n";

std::string to_shop(const std::string& domain, const Items& items) {
  return "件名: 【" + domain +
         "】メール配信に必要なDNSレコード設定のお願い\n\n"
         "ご担当者様\n\n"
         "いつも大変お世話になっております。\n"
         "「" +
         domain +
         "」から配信するメールが迷惑メールと判定されず、お客様へ確実に届くように、\n"
         "下記" +
         std::to_string(items.count) +
         "件のDNSレコードの設定をお願いいたします。\n"
         "DNSの管理を制作会社様やドメイン事業者様に委託されている場合は、\n"
         "本メールをそのまま転送のうえ、設定をご依頼ください。\n\n" +
         std::string(rule) + "\n" + items.to_do + std::string(rule) +
         "\n■ ご注意\n"
         "  ・値は途中で改行や空白を入れず、1行のまま貼り付けてください。\n"
         "  ・ホームページや通常のメールに関するほかのレコードは、変更・削除しないでください。\n"
         "  ・TTLの指定が必要な場合は3600（1時間）としてください。\n\n"
         "■ 設定後のお願い\n"
         "  "
         "設定が完了しましたら、本メールへの返信にてお知らせください。弊社にて反映を確認いたします"
         "。\n"
         "  反映までには、通常数分から1時間程度、最大で48時間ほどかかることがあります。\n";
}

std::string to_shop_for_information(const std::string& domain, const Items& items) {
  return "件名: 【" + domain +
         "】DNSレコード設定のご連絡（お客様の作業は不要です）\n\n"
         "ご担当者様\n\n"
         "いつも大変お世話になっております。\n"
         "「" +
         domain +
         "」から配信するメールがお客様へ確実に届くように、弊社で管理しているDNSに\n"
         "下記" +
         std::to_string(items.count) +
         "件のレコードを設定いたします。お客様での作業は必要ございません。\n\n" +
         std::string(rule) + "\n" + items.to_do + std::string(rule) +
         "\n■ ご注意\n"
         "  "
         "・今後、DNSの管理をほかの事業者様へ移される場合は、上記のレコードを必ず引き継いでください"
         "。\n"
         "    "
         "引き継がれない場合、メールが迷惑メールと判定される、または届かなくなるおそれがあります。"
         "\n"
         "  "
         "・ご不明な点や、設定を控えてほしい事情がございましたら、本メールへの返信にてお知らせくだ"
         "さい。\n";
}

std::string nothing_to_do(const std::string& domain) {
  return "件名: 【" + domain +
         "】DNSレコードの設定確認完了のご連絡\n\n"
         "ご担当者様\n\n"
         "いつも大変お世話になっております。\n"
         "「" +
         domain +
         "」のメール配信に必要なDNSレコードがすべて正しく設定されていることを確認いたしました。\n"
         "追加の作業は必要ございません。設定にご協力いただき、誠にありがとうございます。\n";
}

}  // namespace

std::string render_dns_letter(const json::object& result) {
  const std::string domain = shown(result, "domain");
  const Items items = items_of(result);
  const bool ours = field(result, "dns") == "operator";
  std::string text = items.count == 0 ? nothing_to_do(domain)
                     : ours           ? to_shop_for_information(domain, items)
                                      : to_shop(domain, items);
  if (!items.done.empty()) {
    text += "\n■ 設定済みのレコード（変更・削除しないでください）\n" + items.done;
  }
  return text + (ours || items.count == 0
                     ? "\n今後ともよろしくお願い申し上げます。\n"
                     : "\nお手数をおかけいたしますが、何卒よろしくお願い申し上げます。\n");
}

}  // namespace ecrelay::control
