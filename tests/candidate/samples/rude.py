"""Steps that misbehave in every way a candidate can, each beside steps that do not."""

import contextlib
import os
import signal
import time

from parity.steps.crop import crop_sample
from parity.steps.flip import flip_sample
from parity.steps.photometric import photometric_sample
from parity.steps.resize import random_resize_sample


def forever(*args, **options):
    while True:
        pass


def forever_and_deaf(*args, **options):
    """Swallows whatever is raised to stop it."""
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(60)


def crash(*args, **options):
    os.kill(os.getpid(), signal.SIGSEGV)


def leave(*args, **options):
    os._exit(3)


def not_to_be_sent(sample, rng, **options):
    return sample.replace(image=lambda: None)


GOOD = {"crop": crop_sample, "photometric": photometric_sample}
deaf = {**GOOD, "random_resize_sample": forever_and_deaf, "flip": flip_sample}
crashing = {**GOOD, "random_resize_sample": crash, "flip": leave}
secret = {**GOOD, "random_resize_sample": random_resize_sample, "flip": not_to_be_sent}
