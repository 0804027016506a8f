#!/usr/bin/python3
"""Verifies DKIM signatures with python3-dkim; the public keys are handed in, no DNS is asked.

    verify_dkim.py RECORDS.json MESSAGE...

RECORDS.json maps "selector._domainkey.domain" to the TXT record. One JSON line for each signature
whose key is among the records: file, domain, selector, algorithm, result ("pass" or what is wrong).
Exit code 0 when every file has a signature and all of them pass.
"""
import json
import sys

import dkim


def tags(value):
    """The tag=value list of a DKIM-Signature field."""
    pairs = (part.split(b"=", 1) for part in value.split(b";") if b"=" in part)
    return {name.strip().decode(): b"".join(text.split()).decode() for name, text in pairs}


def lookup(records):
    """A dnsfunc for dkim that knows these records and nothing else."""
    by_name = {name.rstrip(".").lower(): record.encode() for name, record in records.items()}

    def answer(name, timeout=5):
        name = name.decode() if isinstance(name, bytes) else name
        return by_name.get(name.rstrip(".").lower())
    return answer


def verify(message, records):
    """One dict for each signature whose key is known."""
    mail = dkim.DKIM(message, minkey=1024)
    signatures = [value for name, value in mail.headers if name.lower() == b"dkim-signature"]
    answer, found = lookup(records), []
    for index, value in enumerate(signatures):
        tag = tags(value)
        if answer(f"{tag.get('s')}._domainkey.{tag.get('d')}") is None:
            continue
        try:
            result = "pass" if mail.verify(idx=index, dnsfunc=answer) else "signature does not verify"
        except dkim.DKIMException as error:
            result = f"{type(error).__name__}: {error}"
        found.append({"domain": tag.get("d"), "selector": tag.get("s"), "algorithm": tag.get("a"),
                      "headers": tag.get("h", "").split(":"), "tags": tag, "result": result})
    return found


def main():
    records = json.load(open(sys.argv[1]))
    good = True
    for name in sys.argv[2:]:
        with open(name, "rb") as file:
            results = verify(file.read(), records)
        good &= bool(results) and all(each["result"] == "pass" for each in results)
        for each in results:
            print(json.dumps({"file": name, **{key: each[key] for key in ("domain", "selector", "algorithm", "result")}}))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
