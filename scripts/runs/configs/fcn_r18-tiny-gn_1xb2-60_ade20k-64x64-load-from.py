# Weights through load_from alone; the checkpoint names its keys encoder.* and decoder.*.
_base_ = "./fcn_r18-tiny-gn_1xb2-60_ade20k-64x64.py"

model = dict(backbone=dict(init_cfg=None))
load_from = "pretrain/fcn_r18-tiny_other-names.pth"
