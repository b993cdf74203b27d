"""Whether an explanation names what was edited, and nothing else."""

import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from parity.explain.explain import Finding, Judgement, explain
from parity.runs.read import read_run
from tests.explain.edits.edit import Edit, leaves, named

# A regular expression for the dotted name, found anywhere in it -> ids of causes.
OWNERS: dict[str, set[str]] = {
    r"\.crop_size$|\.RandomCrop$|data_preprocessor\.size$|\.Pad(\.size)?$": {"crop-size"},
    r"cat_max_ratio$": {"cat-max-ratio"},
    r"PhotoMetricDistortion": {"photometric"},
    r"align_corners$": {"align-corners"},
    r"data_preprocessor\.(mean|std|bgr_to_rgb)$": {"channel-order"},
    r"avg_non_ignore$": {"avg-non-ignore"},
    r"reduce_zero_label$": {"reduce-zero"},
    r"(val|test)_dataloader.*Resize": {"test-align", "lowres-eval", "tta"},
    r"model\.test_cfg": {"slide-whole"},
    r"val_evaluator": {"metric-ignore", "nan-class", "iou-average"},
    r"(init_cfg|pretrained|init_cfg\.checkpoint)$|^load_from$": {"alt-pretrain", "pretrain-absent"},
    r"optim_wrapper\.paramwise_cfg|optim_wrapper\.constructor": {"paramwise"},
    r"clip_grad": {"grad-clip"},
    r"optim_wrapper\.(type|loss_scale)$": {"amp"},
    r"accumulative_counts|train_dataloader\.batch_size": {"effective-batch", "accumulation-trap"},
    r"optim_wrapper\.optimizer\.(lr|type)$|param_scheduler": {"lr-unscaled", "schedule-end"},
    r"max_iters|param_scheduler.*\.end$": {"schedule-end", "fewer-epochs", "truncated-run"},
    r"train_dataloader\.dataset(\.datasets.*)?\.(indices|ann_file|data_prefix)": {"data-subset"},
    r"norm_cfg\.type$": {"syncbn-reverted", "bn-split"},
    r"imdecode_backend|\.backend$|\.interpolation$": {"resize-backend", "label-interpolated"},
}
# What is true whenever the batch is another than the zoo's.
BATCH = {"effective-batch", "fewer-epochs", "lr-unscaled", "bn-split", "syncbn-reverted"}


def owners(settings: Iterable[str]) -> set[str]:
    """The causes that may speak for any of `settings`."""
    names = list(settings)
    return {
        cause
        for pattern, causes in OWNERS.items()
        if any(re.search(pattern, name) for name in names)
        for cause in causes
    }


# What is neither trained nor scored, and may differ without being said.
_SILENT = re.compile(r"^(launcher|work_dir|log_level|visualizer|vis_backends)")


# Which of several elements of a type, and the package of a type.
_NUMBERED = re.compile(r"#\d+|(?<=\.)mmdet\.")


@dataclass(frozen=True)
class Judged:
    """missed: edits that no finding names. false: findings that no edit accounts for."""

    missed: tuple[Edit, ...] = ()
    false: tuple[str, ...] = ()
    said: tuple[str, ...] = field(default=())


def explained(write: Callable[[Path], Path]) -> Judgement:
    """What is said of the run that `write` leaves in a folder, which is then gone."""
    with tempfile.TemporaryDirectory() as root:
        return explain(read_run(write(Path(root))))


def judge(
    answer: Judgement, edits: Sequence[Edit], changed: Sequence[str], *, other_batch: bool
) -> Judged:
    """Hold `answer` against `edits`, which made the settings `changed` differ from the zoo's.

    other_batch: whether the samples per step are others than the zoo's.
    """
    changed = [*changed, *(edit.named for edit in edits)]
    told = [f for f in answer.findings if f.kind != "marker"]
    allowed = owners(changed) | (BATCH if other_batch else set())
    false = [
        f.id
        for f in told
        if not f.part_of and f.id not in allowed and not any(_names(f, one) for one in changed)
    ]
    missed = [edit for edit in edits if edit.kind != "bookkeeping" and not _is_named(answer, edit)]
    return Judged(tuple(missed), tuple(false), tuple(f"{f.id}: {f.detail}" for f in told))


def changed_settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Names of all settings that differ; elements of a list are one where they share a type."""
    mine, theirs = _by_name(before), _by_name(after)
    keys = [*mine, *(key for key in theirs if key not in mine)]
    return [key for key in keys if mine[key] != theirs[key] and not _SILENT.match(key)]


def _by_name(config: Mapping[str, Any]) -> defaultdict[str, list[Any]]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for path, value in leaves(config):
        found[named(config, path)].append(value)
    return found


def _is_named(answer: Judgement, edit: Edit) -> bool:
    if edit.kind == "comparability" and "not comparable" in answer.status:
        return True
    own = owners([edit.named])
    return any(f.id in own or _names(f, edit.named) for f in answer.findings)


def _names(finding: Finding, setting: str) -> bool:
    """Whether the finding is about this setting, one around it or one within it."""
    setting = _NUMBERED.sub("", setting)
    if finding.id.startswith("setting:"):
        path = _NUMBERED.sub("", finding.id.removeprefix("setting:"))
        if path.endswith(".position"):  # a step that moved is named with the one it comes after
            return setting.rpartition(".")[2] in finding.detail
        return f"{path}.".startswith(f"{setting}.") or f"{setting}.".startswith(f"{path}.")
    tail = setting.split(".")[-2:]
    return all(
        re.search(rf"\b{re.escape(part)}\b", f"{finding.detail} {finding.id}") for part in tail
    )


def dotted(edits: Iterable[Edit]) -> str:
    """The edits in one line."""
    return " + ".join(edit.what for edit in edits)
