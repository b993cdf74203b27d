"""The losses of a config's heads, as ours with its options."""

from dataclasses import dataclass

from parity.pipeline import ConfigEntry, Step
from parity.probes.natural import step_of
from parity.recipe.losses import plain_decoding
from parity.recipe.outputs import OWN, layers_of, queries_of
from parity.recipe.queries import KINDS
from parity.recipe.reader import Reader
from parity.runs.datasets import KNOWN
from parity.settings.items import Item
from parity.steps.loss import decode_head_loss
from parity.steps.mask import point_head_loss

# More are in no data set, and would take memory before anything is said of them.
MOST_CHANNELS = 10_000
MOST_LAYERS = 100
MOST_QUERIES = 1000


@dataclass(frozen=True, eq=False)
class Head:
    """One head of a config. where: its place, such as ``auxiliary_head[0]``. loss: None when
    it is not reproduced here. layers: that are trained; queries: masks that it proposes."""

    where: str
    kind: str
    channels: int
    align_corners: bool
    loss: Step | None
    layers: int = 1
    queries: int = 100


def heads_of(reader: Reader) -> tuple[Head, ...]:
    """Every head of the model, the decode heads first."""
    found = []
    for name in ("decode_head", "auxiliary_head"):
        parts = reader.terms.item("model", name).parts
        for at, item in enumerate(parts):
            where = f"{name}[{at}]" if len(parts) > 1 else name
            found.append(_head(reader, item, where))
    return tuple(found)


def _head(reader: Reader, item: Item, where: str) -> Head:
    channels = _channels(reader, item)
    aligned = bool(item.get("align_corners").value)
    if not 0 < channels <= MOST_CHANNELS:
        reader.note(item, f"{item.kind} in {where}", f"{channels} classes are none, or too many")
        return Head(where, item.kind, 0, aligned, None)
    layers, queries = layers_of(item), queries_of(item)
    if not (0 < layers <= MOST_LAYERS and 0 < queries <= MOST_QUERIES):
        told = f"{layers} layers of {queries} queries are none, or too many"
        reader.note(item, f"{item.kind} in {where}", told)
        return Head(where, item.kind, channels, aligned, None)
    loss = _loss(reader, item, where)
    return Head(where, item.kind, channels, aligned, loss, layers, queries)


def _channels(reader: Reader, item: Item) -> int:
    """Of its output: what the head says, or the one in it that K-Net's refines, or the data."""
    inner = item.get("kernel_generate_head")
    # Of a head with queries, out_channels are those of its features.
    of_output = [] if item.kind in KINDS else [item.get("out_channels")]
    for given in (*of_output, item.get("num_classes"), inner.get("num_classes")):
        if isinstance(given.value, int):
            return given.value
    known = KNOWN.get(reader.datasets("val")[0].kind)
    return known.classes if known is not None else 2


def _loss(reader: Reader, item: Item, where: str) -> Step | None:
    function, read = OWN.get(item.kind, (decode_head_loss, plain_decoding))
    options = read(reader, item, where)
    if options is None:
        return None
    builder = "own_loss" if item.kind in OWN else "head_loss"
    train_cfg = reader.terms.item("model", "train_cfg")
    given = {"train_cfg": reader.entry(train_cfg)} if function is point_head_loss else {}
    entry = ConfigEntry("query_loss" if item.kind in KINDS else builder, reader.entry(item), given)
    return step_of("loss", function, options).beside(entry)
