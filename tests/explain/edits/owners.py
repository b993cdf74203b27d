"""Which causes may speak for a setting, by the setting's name."""

from __future__ import annotations

import re
from collections.abc import Iterable

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
