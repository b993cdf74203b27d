# GroupNorm, which one process runs as the config says.
_base_ = "./fcn_r18-tiny_1xb2-60_ade20k-64x64.py"

norm_cfg = dict(_delete_=True, type="GN", num_groups=8)
model = dict(
    backbone=dict(norm_cfg=norm_cfg, init_cfg=dict(checkpoint="pretrain/resnet18-tiny-gn.pth")),
    decode_head=dict(norm_cfg=norm_cfg),
    auxiliary_head=dict(norm_cfg=norm_cfg),
)
