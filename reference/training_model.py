"""The model of a config, as our loop takes it from the reference."""

from typing import Any

from torch import Tensor, nn

from parity.sample import Batch
from parity.train.settings import TrainingSettings
from reference.compat import load_reference
from reference.optim.groups import quiet


class ReferenceModel:
    """What our loop takes from the reference: the module of a config, and losses not ours."""

    def __init__(self, settings: TrainingSettings, device: str) -> None:
        self.settings, self.device = settings, device
        self.compiled_ops = load_reference().compiled_ops

    def make(self) -> nn.Module:
        """The model as a Runner in one process makes it: SyncBN is BN; weights not yet drawn."""
        from mmengine.config import Config
        from mmengine.model import revert_sync_batchnorm
        from mmseg.registry import MODELS

        with quiet():
            model = MODELS.build(Config({"model": self.settings.values["model"]}).model)
            made: nn.Module = revert_sync_batchnorm(model.to(self.device))
        return made

    def init_weights(self, model: nn.Module) -> None:
        """Draw the weights."""
        with quiet():
            model.init_weights()  # type: ignore[operator]  # mmengine's BaseModule has it

    def own_loss(
        self, head: nn.Module, inputs: tuple[Any, ...], batch: Batch, train_cfg: Any
    ) -> dict[str, Tensor]:
        """What `head` makes of its loss by itself; `inputs` are what its forward gets."""
        from mmengine.structures import PixelData
        from mmseg.structures import SegDataSample

        assert isinstance(batch.segs, Tensor)
        samples = [
            SegDataSample(gt_sem_seg=PixelData(data=label[None]), metainfo=dict(meta))
            for label, meta in zip(batch.segs, batch.metas, strict=True)
        ]
        found: dict[str, Tensor] = head.loss(*inputs, samples, train_cfg)  # type: ignore[operator]
        return found

    def own_logits(self, model: nn.Module, images: Tensor, metas: tuple[Any, ...]) -> Tensor:
        """What `model` makes of its prediction by itself, before it is brought to size."""
        found: Tensor = model.inference(images, [dict(meta) for meta in metas])  # type: ignore[operator]
        return found

    def classes(self) -> tuple[str, ...]:
        """The names that the data set of the validation has for its classes."""
        from mmseg.registry import DATASETS

        kind = self.settings.values.get("val_dataloader", {}).get("dataset", {}).get("type")
        found = DATASETS.get(kind) if kind else None
        return tuple(getattr(found, "METAINFO", {}).get("classes", ()))
