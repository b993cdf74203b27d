# The zoo's UPerNet R-50 made small.
_base_ = ["../_base_/models/upernet_r50.py", "./healthy_base.py"]

norm_cfg = dict(_delete_=True, type="GN", num_groups=8)
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
        in_channels=[16, 32, 64, 128], channels=32, num_classes=150, norm_cfg=norm_cfg
    ),
    auxiliary_head=dict(in_channels=64, channels=16, num_classes=150, norm_cfg=norm_cfg),
)
