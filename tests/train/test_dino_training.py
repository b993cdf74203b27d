import pytest
import torch

from parity.errors import InputError
from parity.steps.dino import DinoBackbone
from tests.train import tiny

pytestmark = pytest.mark.live

HEAD = (
    "model.decode_head={'type': 'DinoLinearHead', 'in_channels': [12, 12, 12, 12], "
    "'in_index': (0, 1, 2, 3), 'input_transform': 'resize_concat', 'channels': 48, "
    "'dropout_ratio': 0, 'num_classes': 150, 'ignore_index': 255, 'align_corners': False, "
    "'loss_decode': {'type': 'CrossEntropyLoss'}}"
)
BACKBONE = (
    "model.backbone={{'type': 'DinoBackbone', 'size': (12, 4, 2), 'image_size': 42, "
    "'out_layers': 4{more}}}"
)
DINO = (HEAD, "model.auxiliary_head=None", "model.pretrained=None")


def test_both_sides_train_dino(tmp_path, data):
    given = tiny.settings(tmp_path, data, *DINO, BACKBONE.format(more=""))
    tally = tiny.run(given, tmp_path)
    assert tally.first is None
    assert tally.counts["gradients"].compared > 100


@pytest.mark.parametrize("fits", [True, False])
def test_weights_are_loaded_on_both_sides(fits, tmp_path, data):
    file = tmp_path / "weights.pth"
    torch.save(DinoBackbone((12, 4 if fits else 3, 2), image_size=42).state_dict(), file)
    more = f", 'frozen': True, 'weights': '{file}'"
    given = tiny.settings(tmp_path, data, *DINO, BACKBONE.format(more=more))
    if fits:
        assert tiny.run(given, tmp_path, iters=1).first is None
    else:
        with pytest.raises(InputError, match="misses 14 weights, such as"):
            tiny.run(given, tmp_path, iters=1)
