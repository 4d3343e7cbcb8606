"""Values that tell by themselves whether they are whole, whose they are, and how old."""

import zlib


def compose(key, writer, number, length):
    """key|writer|number|filler|checksum; the filler differs from value to value."""
    body = b"%s|%d|%d|" % (key, writer, number)
    body += (b"%d." % (writer * 1_000_003 + number)) * (length // 8)
    return body + b"|%08x" % zlib.crc32(body)


def judge(key, value):
    """(writer, number) of an intact value of this key; raises for any other."""
    body, _, checksum = value.rpartition(b"|")
    if b"%08x" % zlib.crc32(body) != checksum:
        raise AssertionError(f"torn value of {key!r}: {value[:120]!r}")
    of, writer, number, _ = body.split(b"|", 3)
    if of != key:
        raise AssertionError(f"{key!r} answered with the value of {of!r}")
    return int(writer), int(number)
