"""Turn a Sample into mmseg's ``results`` dict and back."""

from __future__ import annotations

from typing import Any

from parity.sample import META_KEYS, DataInfo, Meta, Sample


def to_results(sample: Sample) -> dict[str, Any]:
    """The dict a transform of mmseg takes; arrays are copied, so that inputs stay as they are."""
    results: dict[str, Any] = {} if sample.info is None else sample.info.as_dict()
    results.update(sample.meta)
    results["img"] = sample.image.copy()
    results["seg_fields"] = []
    if sample.seg is not None:
        results["gt_seg_map"] = sample.seg.copy()
        results["seg_fields"].append("gt_seg_map")
    return results


def to_sample(results: dict[str, Any], info: DataInfo | None) -> Sample:
    """The sample in `results`, with those meta keys that PackSegInputs would pack."""
    meta = Meta(**{key: results[key] for key in META_KEYS if key in results})
    return Sample(results["img"], results.get("gt_seg_map"), meta, info)
