"""Lines and entries of any file: numbers, encodings, ends, and flat memory."""

import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.runs import text as texts
from parity.runs.text import Block, blocks, decoded, entries, json_values, quoted
from tests.runs.builders import head, train_line, val_lines


def lines_of(data):
    """Every line with its number, as read through blocks."""
    found = {}
    for block in blocks(io.BytesIO(data)):
        for offset, line in enumerate(block.data.split(b"\n")):
            found[block.line + offset] = found.get(block.line + offset, b"") + line
    return found


@given(st.lists(st.binary(max_size=40), max_size=30), st.integers(1, 64))
def test_lines_keep_their_numbers_whatever_the_block_size(parts, size):
    data = b"x" + b"\n".join(part.replace(b"\0", b"") for part in parts)
    before = texts.BLOCK_BYTES
    texts.BLOCK_BYTES = size
    try:
        found = lines_of(data)
    finally:
        texts.BLOCK_BYTES = before
    expected = dict(enumerate(data.replace(b"\r\n", b"\n").split(b"\n"), start=1))
    assert {k: v for k, v in found.items() if v} == {k: v for k, v in expected.items() if v}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_files_of_windows_read_the_same(encoding):
    text = train_line(50) + "größe\n" + train_line(100)
    found = list(entries(blocks(io.BytesIO(text.encode(encoding)))))
    assert [entry.line for entry in found] == [1, 3]
    assert found[1].text.startswith("Iter(train) [   100/160000]")


def test_bytes_that_are_no_utf8_are_shown_as_such():
    assert decoded("größe".encode("latin-1")) == "gr\ufffd\ufffde"
    assert quoted(b"\x1b[31mred\x1b[0m \x07 end \x1b]0;title\x07") == "red \ufffd end"


def test_a_gigantic_line_takes_no_more_than_blocks():
    class Zeros(io.RawIOBase):
        left = 60 << 20

        def read(self, size=-1):
            size = min(size, self.left)
            self.left -= size
            return b"." * size

    tracemalloc.start()
    total = sum(len(block.data) for block in blocks(Zeros()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 60 << 20
    assert peak < 24 << 20


def test_entries_have_level_time_and_line_and_the_text_between_them_is_left_out():
    data = (
        "noise\n"
        + train_line(50, start=head(color=True, time="01/02 03:04:05"))
        + "more noise\nerror in x_im2col: bad\n"
        + train_line(100, start="2021-01-02 03:04:05,678 - mmseg - WARNING - ")
    )
    first, second = entries(blocks(io.BytesIO(data.encode())))
    expected = (2, "INFO", "01/02 03:04:05", "mmengine")
    assert (first.line, first.level, first.time, first.logger) == expected
    assert (second.line, second.level, second.logger) == (5, "WARNING", "mmseg")
    assert "noise" not in first.text


def test_an_entry_in_the_middle_of_another_writers_line_is_found():
    data = "50%|#####     | 1/2\r" + train_line(50) + "[rank1]: " + train_line(100)
    assert [entry.line for entry in entries(blocks(io.BytesIO(data.encode())))] == [1, 2]


def test_tables_are_kept_whole_across_blocks(monkeypatch):
    monkeypatch.setattr(texts, "BLOCK_BYTES", 64)
    found = list(entries(blocks(io.BytesIO(val_lines().encode()))))
    table = next(entry for entry in found if "wall" in entry.text)
    assert table.text.count("\n") == 5
    assert not table.cut


def test_an_entry_too_long_to_keep_says_so(monkeypatch):
    monkeypatch.setattr("parity.runs.text.MAX_ENTRY_BYTES", 1000)
    data = f"{head()}Config:\n" + "a = 1\n" * 1000 + train_line(50)
    config, training = entries(blocks(io.BytesIO(data.encode())))
    assert config.cut
    assert len(config.text) <= 1000
    assert not training.cut


def test_what_the_reference_prints_without_a_header_is_an_entry_too():
    data = (
        "Loads checkpoint by local backend from path: a.pth\n"
        "The model and loaded state dict do not match exactly\n\n"
        "missing keys in source state_dict: a, b\n\n" + train_line(50)
    )
    load, mismatch, _ = entries(blocks(io.BytesIO(data.encode())))
    assert load.text == "Loads checkpoint by local backend from path: a.pth"
    assert mismatch.text.endswith("missing keys in source state_dict: a, b")
    assert mismatch.logger == ""


@pytest.mark.parametrize(
    ("line", "count", "rest"),
    [
        ('{"a": 1}', 1, ""),
        ('{"a": 1}{"b": 2} {"c": NaN}', 3, ""),
        ('{"a": 1}{"b": 2', 1, '{"b": 2'),
        ("[" * 100000, 0, "[" * 100000),
        ('{"a": ' + "1" * 5000 + "}", 0, '{"a": ' + "1" * 5000 + "}"),
        ("", 0, ""),
    ],
)
def test_several_json_values_of_one_line_are_read_and_the_rest_is_kept(line, count, rest):
    found, left = json_values(line)
    assert (len(found), left) == (count, rest)


@pytest.mark.parametrize("repeats", [1, 1000])
def test_a_block_finds_lines_that_repeat_and_lines_that_do_not(repeats):
    data = b"\n".join([b"%d" % index for index in range(40)] * repeats)
    block = Block(10, data)
    wanted = [b"%d" % index for index in range(30)]
    for some in (wanted[:2], wanted):
        places = block.places(some)
        assert places[b"1"] == (11, 10 + 40 * (repeats - 1) + 1)
    assert sorted(set(block.distinct.split(b"\n"))) == sorted(set(data.split(b"\n")))
    assert block.count(b"1") * block.distinct.split(b"\n").count(b"1") == repeats
