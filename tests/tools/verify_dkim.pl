#!/usr/bin/perl
# Verifies DKIM signatures with Mail::DKIM; the public keys are handed in, no DNS is asked.
#
#     verify_dkim.pl RECORDS.json MESSAGE...
#
# The same lines and exit code as verify_dkim.py, for rsa-sha256 only: Debian 12's Mail::DKIM knows no Ed25519.
use strict;
use warnings;
use JSON::PP;
use Mail::DKIM::Verifier;
use Net::DNS;

my ($records_file, @files) = @ARGV;
open my $in, '<', $records_file or die "$records_file: $!\n";
my $records = decode_json(do { local $/; <$in> });
my %by_name = map { lc($_) => $records->{$_} } keys %$records;

{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub {
        my ($name, $type) = @_;
        my $text = $by_name{ lc $name } or return;
        my @pieces = $text =~ /(.{1,255})/g;
        return Net::DNS::RR->new(name => $name, type => 'TXT', txtdata => \@pieces);
    };
}

my $good = 1;
for my $file (@files) {
    open my $message, '<:raw', $file or die "$file: $!\n";
    my $verifier = Mail::DKIM::Verifier->new;
    $verifier->PRINT(do { local $/; <$message> });
    $verifier->CLOSE;
    my $seen = 0;
    for my $signature ($verifier->signatures) {
        my ($domain, $selector) = map { $_ // '' } ($signature->domain, $signature->selector);
        next unless $by_name{ lc "$selector._domainkey.$domain" } && $signature->algorithm =~ /^rsa-/;
        my $result = $signature->result eq 'pass' ? 'pass' : $signature->result_detail;
        $seen = 1;
        $good &&= $result eq 'pass';
        print JSON::PP->new->canonical->encode({
            file => $file, domain => $domain, selector => $selector,
            algorithm => $signature->algorithm, result => $result }), "\n";
    }
    $good &&= $seen;
}
exit($good ? 0 : 1);
