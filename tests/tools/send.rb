#!/usr/bin/ruby
# Sends mails as ecforce does: the mail gem over Net::SMTP, one connection a mail, 5 s for every reply.
#
#     send.rb HOST:PORT [--raw FILE] [--to ADDRESS]... [--from ADDRESS] [--subject TEXT] [--count N]
#             [--user NAME --password SECRET] [--starttls [--ca FILE]] [--timing]
#
# Prints the final reply of each mail, or with --timing the milliseconds each took. Exit code 1 when
# a mail is refused, with the reply on standard error.
require 'mail'
require 'net/smtp'
require 'openssl'
require 'optparse'

options = { to: [], from: 'info@shop-a.example', subject: 'ご注文ありがとうございます【ショップＡ】', count: 1 }
parser = OptionParser.new do |o|
  o.on('--raw FILE') { |v| options[:raw] = v }
  o.on('--to ADDRESS') { |v| options[:to] << v }
  o.on('--from ADDRESS') { |v| options[:from] = v }
  o.on('--subject TEXT') { |v| options[:subject] = v }
  o.on('--count N', Integer) { |v| options[:count] = v }
  o.on('--user NAME') { |v| options[:user] = v }
  o.on('--password SECRET') { |v| options[:password] = v }
  o.on('--starttls') { options[:starttls] = true }
  o.on('--ca FILE') { |v| options[:ca] = v }
  o.on('--timing') { options[:timing] = true }
end
target = parser.parse(ARGV).first or abort parser.banner
host, port = target.split(':')
options[:to] << 'hanako@customer.example' if options[:to].empty?

def built(options, number)
  Mail.new(charset: 'UTF-8') do
    from "ショップＡ <#{options[:from]}>"
    to options[:to]
    subject options[:subject]
    text_part do
      content_type 'text/plain; charset=UTF-8'
      body "髙橋 花子 様\n\nこのたびはご注文ありがとうございます。\n注文番号: A-#{20_240_000 + number}\n合計: ￥3,980（税込）\n"
    end
    html_part do
      content_type 'text/html; charset=UTF-8'
      body "<p>髙橋 花子 様</p><p>このたびはご注文ありがとうございます。</p>\n"
    end
  end
end

def session(host, port, options)
  smtp = Net::SMTP.new(host, Integer(port))
  smtp.open_timeout = smtp.read_timeout = 5
  if options[:starttls]
    context = Net::SMTP.default_ssl_context
    context.ca_file = options[:ca] if options[:ca]
    smtp.enable_starttls(context)
  else
    smtp.disable_starttls
  end
  login = options[:user] ? [options[:user], options[:password], :plain] : []
  smtp.start('app-1.example.jp', *login) { yield smtp }
end

options[:count].times do |number|
  raw = options[:raw] ? File.binread(options[:raw]) : nil
  mail = raw ? nil : built(options, number)
  raw ||= mail.encoded
  started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  reply = session(host, port, options) { |smtp| smtp.send_message(raw, options[:from], *options[:to]) }
  took = (Process.clock_gettime(Process::CLOCK_MONOTONIC) - started) * 1000
  puts(options[:timing] ? format('%.3f', took) : reply.string.strip)
rescue Net::SMTPError, SystemCallError, OpenSSL::SSL::SSLError, EOFError, Timeout::Error => e
  warn "#{e.class}: #{e.message.strip}"
  exit 1
end
