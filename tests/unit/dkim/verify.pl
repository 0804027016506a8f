# Verifies every DKIM signature of mails with Mail::DKIM, without DNS.
#
# verify.pl KEYS MAIL...   KEYS: lines "selector._domainkey.domain<TAB>TXT record"
# Prints "MAIL<TAB>number of the signature<TAB>result" for each signature, from the top.
use strict;
use warnings;

package Records;
use Net::DNS;
sub new { my ($class, %records) = @_; return bless {%records}, $class }

sub send {
    my ($self, $name, $type) = @_;
    my $packet = Net::DNS::Packet->new($name, $type);
    $packet->header->qr(1);
    my $record = $self->{$name};
    if (defined $record) {
        $packet->push(answer => Net::DNS::RR->new(
            owner => $name, type => 'TXT', txtdata => [unpack('(a255)*', $record)]));
    } else {
        $packet->header->rcode('NXDOMAIN');
    }
    return $packet;
}

package main;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;

open(my $keys, '<', shift @ARGV) or die $!;
my %records = map { chomp; split /\t/, $_, 2 } <$keys>;
Mail::DKIM::DNS::resolver(Records->new(%records));

for my $path (@ARGV) {
    open(my $mail, '<:raw', $path) or die $!;
    local $/;
    my $verifier = Mail::DKIM::Verifier->new;
    $verifier->PRINT(scalar <$mail>);
    $verifier->CLOSE;
    my $index = 0;
    for my $signature ($verifier->signatures) {
        print join("\t", $path, $index++, $signature->result_detail =~ s/\s+/ /gr), "\n";
    }
}
