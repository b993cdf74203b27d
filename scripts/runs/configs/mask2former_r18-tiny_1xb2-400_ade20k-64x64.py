# The zoo's R-50 config made small. Weight decay, clipping, parameter groups and the shape of the
# schedule are its own; the learning rate is higher, for 400 iterations to teach anything.
_base_ = "../mask2former/mask2former_r50_8xb2-160k_ade20k-512x512.py"

crop_size = (64, 64)
train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations"),
    dict(type="RandomResize", scale=(256, 64), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type="RandomCrop", crop_size=crop_size, cat_max_ratio=0.75),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PhotoMetricDistortion"),
    dict(type="PackSegInputs"),
]
test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="Resize", scale=(256, 64), keep_ratio=True),
    dict(type="LoadAnnotations"),
    dict(type="PackSegInputs"),
]
train_dataloader = dict(
    batch_size=2, num_workers=0, persistent_workers=False, dataset=dict(pipeline=train_pipeline)
)
val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
ffn = dict(embed_dims=32, feedforward_channels=64)
attention = dict(embed_dims=32)
norm_cfg = dict(_delete_=True, type="GN", num_groups=8)
model = dict(
    data_preprocessor=dict(size=crop_size),
    backbone=dict(
        depth=18,
        base_channels=16,
        stem_channels=16,
        norm_cfg=norm_cfg,
        init_cfg=dict(checkpoint="pretrain/resnet18-tiny-gn.pth"),
    ),
    decode_head=dict(
        in_channels=[16, 32, 64, 128],
        feat_channels=32,
        out_channels=32,
        num_queries=20,
        pixel_decoder=dict(
            norm_cfg=norm_cfg,
            encoder=dict(num_layers=2, layer_cfg=dict(self_attn_cfg=attention, ffn_cfg=ffn)),
            positional_encoding=dict(num_feats=16),
        ),
        positional_encoding=dict(num_feats=16),
        transformer_decoder=dict(
            num_layers=1,
            layer_cfg=dict(self_attn_cfg=attention, cross_attn_cfg=attention, ffn_cfg=ffn),
        ),
        train_cfg=dict(num_points=512),
    ),
)
optim_wrapper = dict(optimizer=dict(lr=0.0005))
param_scheduler = [
    dict(type="PolyLR", eta_min=0, power=0.9, begin=0, end=400, by_epoch=False),
]
train_cfg = dict(max_iters=400, val_interval=200)
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(interval=400))
auto_scale_lr = dict(base_batch_size=2)
