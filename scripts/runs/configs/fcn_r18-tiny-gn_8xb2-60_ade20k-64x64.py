# Meant for eight GPUs with two samples each, as the zoo's 8xb2 configs.
_base_ = "./fcn_r18-tiny-gn_1xb2-60_ade20k-64x64.py"

auto_scale_lr = dict(base_batch_size=16)
