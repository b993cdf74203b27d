# The zoo's K-Net with FCN kernels made small, with its optimizer, clipping and steps.
_base_ = ["../_base_/models/fcn_r50-d8.py", "./healthy_base.py"]

norm_cfg = dict(_delete_=True, type="GN", num_groups=8)
kernel_update_head = dict(
    type="KernelUpdateHead",
    num_classes=150,
    num_ffn_fcs=2,
    num_heads=4,
    num_mask_fcs=1,
    feedforward_channels=64,
    in_channels=32,
    out_channels=32,
    dropout=0.0,
    conv_kernel_size=1,
    ffn_act_cfg=dict(type="ReLU", inplace=True),
    with_ffn=True,
    feat_transform_cfg=dict(conv_cfg=dict(type="Conv2d"), act_cfg=None),
    kernel_updator_cfg=dict(
        type="KernelUpdator",
        in_channels=32,
        feat_channels=32,
        out_channels=32,
        act_cfg=dict(type="ReLU", inplace=True),
        norm_cfg=dict(type="LN"),
    ),
)
model = dict(
    data_preprocessor=dict(size=(64, 64)),
    pretrained=None,
    backbone=dict(
        type="ResNet",
        depth=18,
        base_channels=16,
        stem_channels=16,
        norm_cfg=norm_cfg,
        init_cfg=dict(type="Pretrained", checkpoint="pretrain/resnet18-tiny-gn.pth"),
    ),
    decode_head=dict(
        _delete_=True,
        type="IterativeDecodeHead",
        num_stages=2,
        kernel_update_head=[kernel_update_head, kernel_update_head],
        kernel_generate_head=dict(
            type="FCNHead",
            in_channels=128,
            in_index=3,
            channels=32,
            num_convs=2,
            concat_input=True,
            dropout_ratio=0.1,
            num_classes=150,
            norm_cfg=dict(type="GN", num_groups=8),
            align_corners=False,
            loss_decode=dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=1.0),
        ),
    ),
    auxiliary_head=dict(in_channels=64, channels=16, num_classes=150, norm_cfg=norm_cfg),
)
optim_wrapper = dict(
    _delete_=True,
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=0.001, weight_decay=0.0005),
    clip_grad=dict(max_norm=1, norm_type=2),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=10),
    dict(type="MultiStepLR", begin=10, end=40, milestones=[30, 36], by_epoch=False),
]
