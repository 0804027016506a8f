"""A mail as bytes: its header fields as they stand, and its body."""


class Mail:
    def __init__(self, data):
        head, empty_line, self.body = data.partition(b"\r\n\r\n")
        if data.startswith(b"\r\n"):
            head, empty_line, self.body = b"", b"\r\n", data[2:]
        self.whole = bool(empty_line)
        self.fields = []
        for line in head.split(b"\r\n") if head else []:
            if line[:1] in (b" ", b"\t") and self.fields:
                self.fields[-1] += b"\r\n" + line
            else:
                self.fields.append(line)

    def names(self):
        return [field.split(b":", 1)[0].strip().lower() for field in self.fields]

    def value(self, name):
        """Of the first field of that name (lower case)."""
        return self.fields[self.names().index(name)].split(b":", 1)[1]

    def without(self, *names):
        """The fields, but for those with these names or, where a name ends in *, prefixes."""
        def dropped(name):
            return any(name.startswith(each[:-1]) if each.endswith(b"*") else name == each for each in names)
        return [field for field, name in zip(self.fields, self.names()) if not dropped(name)]


def with_crlf(data):
    """Stored with LF, sent with CRLF (the wire rule of the corpus); CRLF stays, bare CR stays."""
    data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return data if data.endswith(b"\r\n") else data + b"\r\n"
