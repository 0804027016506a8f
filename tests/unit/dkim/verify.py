"""Verifies every DKIM signature of mails with python3-dkim, without DNS.

verify.py KEYS MAIL...   KEYS: lines "selector._domainkey.domain<TAB>TXT record"
Prints "MAIL<TAB>number of the signature<TAB>pass|fail|error: …" for each signature, from the top.
"""
import sys

import dkim

records = {}
with open(sys.argv[1], "rb") as keys:
    for line in keys:
        name, record = line.rstrip(b"\n").split(b"\t")
        records[name + b"."] = record


def lookup(name, timeout=5):
    name = name if isinstance(name, bytes) else name.encode()
    return records.get(name)


for path in sys.argv[2:]:
    with open(path, "rb") as mail:
        message = mail.read()
    signatures = message.split(b"\r\n\r\n")[0].lower().split(b"\r\n")
    count = sum(line.startswith(b"dkim-signature:") for line in signatures)
    for index in range(count):
        try:
            passed = dkim.DKIM(message).verify(idx=index, dnsfunc=lookup)
            print(path, index, "pass" if passed else "fail", sep="\t")
        except dkim.DKIMException as error:
            print(path, index, f"error: {error}", sep="\t")
