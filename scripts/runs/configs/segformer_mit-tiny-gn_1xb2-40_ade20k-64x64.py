# The zoo's SegFormer MiT-B0 made small, with its optimizer and warm-up.
_base_ = ["../_base_/models/segformer_mit-b0.py", "./healthy_base.py"]

model = dict(
    data_preprocessor=dict(size=(64, 64)),
    backbone=dict(embed_dims=8, num_heads=[1, 2, 4, 8], num_layers=[1, 1, 1, 1]),
    decode_head=dict(
        in_channels=[8, 16, 32, 64],
        channels=32,
        num_classes=150,
        norm_cfg=dict(_delete_=True, type="GN", num_groups=8),
    ),
)
optim_wrapper = dict(
    _delete_=True,
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=0.0006, betas=(0.9, 0.999), weight_decay=0.01),
    paramwise_cfg=dict(
        custom_keys={
            "pos_block": dict(decay_mult=0.0),
            "norm": dict(decay_mult=0.0),
            "head": dict(lr_mult=10.0),
        }
    ),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-6, by_epoch=False, begin=0, end=10),
    dict(type="PolyLR", eta_min=0.0, power=1.0, begin=10, end=40, by_epoch=False),
]
