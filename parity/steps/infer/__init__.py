"""Inference on whole images and on sliding windows, and test-time augmentation.

`model` is any callable that turns images ``(N, 3, H, W)`` into logits
``(N, C, h, w)`` of any size: a network up to the output of its decode head's
``forward``. The resize to the size of its input, which the reference does in
``predict_by_feat``, is done here.
"""

from parity.steps.infer.slide import Model as Model
from parity.steps.infer.slide import encode_decode as encode_decode
from parity.steps.infer.slide import inference as inference
from parity.steps.infer.slide import predict as predict
from parity.steps.infer.slide import slide_inference as slide_inference
from parity.steps.infer.slide import slide_windows as slide_windows
from parity.steps.infer.slide import whole_inference as whole_inference
from parity.steps.infer.tta import merge_tta as merge_tta
from parity.steps.infer.tta import predict_tta as predict_tta
from parity.steps.infer.tta import predict_views as predict_views
from parity.steps.infer.tta import tta_views as tta_views
from parity.steps.infer.tta import views_of as views_of
