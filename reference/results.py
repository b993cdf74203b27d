"""Turn a Sample into mmseg's ``results`` dict and back."""

from typing import Any

from parity.sample import DEPTH, EDGE, FURTHER_KEYS, META_KEYS, SECOND, DataInfo, Meta, Sample


def to_results(sample: Sample) -> dict[str, Any]:
    """The dict a transform of mmseg takes; arrays are copied, so that inputs stay as they are."""
    results: dict[str, Any] = {} if sample.info is None else sample.info.as_dict()
    results.update(sample.meta)
    results["img"] = sample.image.copy()
    results["seg_fields"] = []
    if sample.seg is not None:
        results["gt_seg_map"] = sample.seg.copy()
        results["seg_fields"].append("gt_seg_map")
    results.update({name: array.copy() for name, array in sample.maps.items()})
    results["seg_fields"] += [name for name in sample.maps if name == DEPTH]
    return results


def to_sample(results: dict[str, Any], info: DataInfo | None) -> Sample:
    """The sample in `results`, with those meta keys that PackSegInputs can be told to pack."""
    meta = Meta(**{key: results[key] for key in (*META_KEYS, *FURTHER_KEYS) if key in results})
    maps = {name: results[name] for name in (EDGE, DEPTH, SECOND) if name in results}
    return Sample(results["img"], results.get("gt_seg_map"), meta, info, maps)
