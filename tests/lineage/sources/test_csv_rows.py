from io import BytesIO

from hypothesis import given, strategies

from lineage.source import Origin, Problem, Record
from lineage.sources import people_csv, sla_csv

PIECES = [
    b'"',
    b",",
    b";",
    b"\r\n",
    b"\n",
    b"\xff",
    b"\x00",
    b"99,9",
    b"1,234",
    b"%",
    b"01.02.2026",
    "ż".encode(),
    b" ",
]


class Text:
    """An input that is a text in memory."""

    name, path = "list.csv", None

    def __init__(self, raw):
        self.raw = raw
        self.size = len(raw)

    def open(self):
        return BytesIO(self.raw)

    def members(self):
        return iter(())


@given(strategies.lists(strategies.sampled_from(PIECES) | strategies.binary(max_size=4), max_size=30))
def test_any_list_is_read_to_its_end(pieces):
    """Whatever follows the header, rows are the bytes at their place, none overlap, and each says something."""
    for source, header in (
        (sla_csv, b"service,metric,target,unit\n"),
        (people_csv, b"person,email,principal\n"),
    ):
        raw = header + b"".join(pieces)
        end = 0
        for item in source.records(Text(raw), Origin("list.csv")):
            if isinstance(item, Problem):
                assert raw.count(b"\n", 0, item.offset) <= item.line + raw.count(b"\r", 0, item.offset)
                continue
            assert isinstance(item, Record)
            assert raw[item.offset : item.offset + len(item.raw)] == item.raw
            assert item.offset >= end
            end = item.offset + len(item.raw)
            assert list(source.read(item, Origin("list.csv")))
