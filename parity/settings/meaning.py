"""What a setting is about, and whether it can bear on a score at all."""

import re

GROUPS = ("data", "model", "schedule", "precision", "evaluation", "other")
_BY_TOP = {
    "train_dataloader": "data",
    "val_dataloader": "evaluation",
    "test_dataloader": "evaluation",
    "val_evaluator": "evaluation",
    "test_evaluator": "evaluation",
    "tta_model": "evaluation",
    "tta_pipeline": "evaluation",
    "val_cfg": "evaluation",
    "test_cfg": "evaluation",
    "model": "model",
    "load_from": "model",
    "optim_wrapper": "schedule",
    "param_scheduler": "schedule",
    "train_cfg": "schedule",
    "auto_scale_lr": "schedule",
}
_PRECISION = re.compile(r"optim_wrapper\.(?:type|dtype|loss_scale|use_fp16)")
# Names of places, speed, logging, and what only decides when or whether something is written.
_BOOKKEEPING = re.compile(
    r"default_hooks\.(?:timer|logger|checkpoint|visualization|runtime_info)(?:\..*)?|env_cfg.*|randomness.*|visualizer.*|log_\w+.*"
    r"|tta_(?:model|pipeline).*|test_\w+.*|model_wrapper_cfg.*|find_unused_parameters"
    r"|auto_scale_lr\.base_batch_size|custom_imports.*|default_scope"
    r"|experiment_name|resume"
    r"|train_cfg\.(?:val_interval|val_begin|dynamic_intervals)"
    r"|\w+_dataloader\.(?:num_workers|persistent_workers|pin_memory|prefetch_factor)"
    r"|val_dataloader\.(?:batch_size|drop_last|sampler.*)"
    r"|\w+_dataloader\.dataset(?:\.datasets\.\w+)?\.(?:data_root|data_prefix.*|backend_args.*"
    r"|file_client_args.*|img_suffix|seg_map_suffix|serialize_data|lazy_init|max_refetch"
    r"|test_mode|repeated)"
    r"|\w+_dataloader\.dataset.*\.(?:backend_args|file_client_args|meta_keys)(?:\..*)?"
    r"|val_evaluator\.(?:output_dir|format_only|collect_device|prefix|iou_metrics|beta)"
    r"|(?:.*\.)?(?:with_cp|verbose|loss_name|foreach|fused|capturable|differentiable|process_group)"
)


def group_of(path: str) -> str:
    """What a setting, by its path in 1.x terms, is about."""
    if _PRECISION.match(path):
        return "precision"
    if path.startswith("model.test_cfg"):
        return "evaluation"
    if path.startswith("model.data_preprocessor"):
        return "data"
    return _BY_TOP.get(path.partition(".")[0], "other")


def is_bookkeeping(path: str) -> bool:
    """Whether it names places, speed or logging, and cannot move a score."""
    return _BOOKKEEPING.fullmatch(path) is not None
