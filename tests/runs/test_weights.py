"""Lists of keys that did not match, of any length."""

import io
import time

from parity.runs.entries import entries
from parity.runs.log import read_log
from parity.runs.text import blocks
from parity.runs.weights import MAX_KEYS, MAX_LOADS

LISTED = "The model and loaded state dict do not match exactly\n\n"


def loads(text):
    start = time.process_time()
    found = read_log(entries(blocks(io.BytesIO(text.encode()))), file="a.log").weights
    assert time.process_time() - start < 10
    return found


def test_many_mismatches_take_linear_time():
    (found,) = loads(LISTED + "size mismatch for a.b: x\n" * 150_000)
    assert len(found.mismatched) == MAX_KEYS


def test_many_keys_are_cut():
    (found,) = loads(f"{LISTED}unexpected key in source state_dict: {'a, ' * 500_000}\n")
    assert len(found.unexpected) == MAX_KEYS


def test_many_lists_are_cut():
    assert len(loads(f"{LISTED}missing keys in source state_dict: a, b\n" * 10_000)) == MAX_LOADS
