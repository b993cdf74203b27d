# As without -gn, with the norm layers of the -gn models.
_base_ = "./fcn_r18-tiny_1xb8-200_pretrain.py"

norm_cfg = dict(_delete_=True, type="GN", num_groups=8)
model = dict(backbone=dict(norm_cfg=norm_cfg), decode_head=dict(norm_cfg=norm_cfg))
