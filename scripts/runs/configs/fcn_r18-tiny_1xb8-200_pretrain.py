# Where a backbone's weights come from: FCN with the eight classes that the labels have.
_base_ = "./fcn_r18-tiny_1xb2-60_ade20k-64x64.py"

model = dict(backbone=dict(init_cfg=None), decode_head=dict(num_classes=8), auxiliary_head=None)
optim_wrapper = dict(optimizer=dict(_delete_=True, type="AdamW", lr=0.002, weight_decay=0.01))
param_scheduler = [
    dict(type="PolyLR", eta_min=0, power=0.9, begin=0, end=200, by_epoch=False),
]
train_dataloader = dict(batch_size=8)
train_cfg = dict(max_iters=200, val_interval=200)
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(interval=200))
auto_scale_lr = dict(base_batch_size=8)
