"""A config of a few steps and one head."""

PIPELINE = """
dataset_type = 'ADE20KDataset'
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', reduce_zero_label=True),
    {steps}
    dict(type='PackSegInputs'),
]
train_dataloader = dict(
    batch_size=2, dataset=dict(type=dataset_type, data_root='data/ade', pipeline=train_pipeline))
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor', size=(64, 64)),
    decode_head=dict(type='FCNHead', num_classes=7, loss_decode=[{loss}]))
"""


def given(steps="", loss="dict(type='CrossEntropyLoss')"):
    return PIPELINE.replace("{steps}", steps).replace("{loss}", loss)
