# DINOv2 made small, its backbone trained as well, with a batch norm and a linear map.
_base_ = ["./healthy_base.py"]

crop_size = (64, 64)
model = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(
        type="SegDataPreProcessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        size=crop_size,
        pad_val=0,
        seg_pad_val=255,
    ),
    backbone=dict(type="DinoBackbone", size=(24, 3, 2), image_size=42, out_layers=2),
    decode_head=dict(
        type="DinoLinearHead",
        in_channels=[24, 24],
        in_index=(0, 1),
        input_transform="resize_concat",
        channels=48,
        dropout_ratio=0,
        num_classes=150,
        align_corners=False,
        ignore_index=255,
        loss_decode=dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=1.0),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode="slide", crop_size=crop_size, stride=(42, 42)),
)
optim_wrapper = dict(
    _delete_=True,
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-3, weight_decay=1e-4, betas=(0.9, 0.999)),
)
