# The mistake: a pretrained backbone whose keys begin with "encoder.".
_base_ = "./fcn_r18-tiny-gn_1xb2-60_ade20k-64x64.py"

model = dict(backbone=dict(init_cfg=dict(checkpoint="pretrain/fcn_r18-tiny_other-names.pth")))
