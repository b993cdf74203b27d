import types

import pytest

from parity.candidate.steps import applies_to, candidate_from, part_for, select_steps, step_names
from parity.check.cases import all_steps
from parity.errors import InputError
from parity.pipeline import Step, TrainPipeline, ValPipeline
from parity.steps.crop import crop, crop_sample
from parity.steps.flip import flip, flip_sample

STEPS = {step.name: step for step in TrainPipeline().steps}
VAL = {step.name: step for step in ValPipeline().steps}


def drawing(sample, rng, **options):
    return sample


def parts(given):
    candidate = candidate_from(given, "given")
    return set(candidate.steps), set(candidate.applies), candidate.pipeline is not None


class WithSelf:
    def crop(self, sample, rng, **options):
        return sample

    def flip(self, array, direction):
        return array


class WithoutSelf:
    @staticmethod
    def crop(sample, rng, **options):
        return sample


class NeedsArguments(WithSelf):
    def __init__(self, value):
        self.value = value


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"crop": drawing}, ({"crop"}, set(), False)),
        ({"crop": crop, "flip": flip}, (set(), {"crop", "flip"}, False)),
        ({"apply_crop": drawing}, (set(), {"crop"}, False)),
        ({"crop_sample": lambda sample, other: sample}, ({"crop_sample"}, set(), False)),
        (WithSelf, ({"crop"}, {"flip"}, False)),
        (WithSelf(), ({"crop"}, {"flip"}, False)),
        (NeedsArguments(1), ({"crop"}, {"flip"}, False)),
        (WithoutSelf, ({"crop"}, set(), False)),
        (types.SimpleNamespace(resize=drawing), ({"resize"}, set(), False)),
        (crop_sample, ({"crop_sample"}, set(), False)),
        (lambda image, seg, rng: (image, seg), (set(), set(), True)),
        ({"pipeline": lambda image, seg: (image, seg)}, (set(), set(), True)),
    ],
)
def test_sorted(given, expected):
    assert parts(given) == expected


def test_what_a_module_imports_from_here_is_not_what_it_gives():
    """Else our own function would be compared with the reference, and the user's would pass."""
    mine = types.ModuleType("mine")
    mine.flip_sample, mine.crop_sample, mine.flip = flip_sample, crop_sample, drawing
    assert parts(mine) == ({"flip"}, set(), False)
    assert parts({"flip_sample": flip_sample}) == ({"flip_sample"}, set(), False)


def test_helpers_with_the_names_of_rare_steps_are_none():
    mine = types.ModuleType("mine")
    mine.flip = drawing
    mine.rotate = lambda image, angle: image
    mine.to_gray = lambda image: image
    assert parts(mine) == ({"flip"}, set(), False)
    mine.rotate = lambda image, seg, rng, degree=10, prob=0.5: (image, seg)
    assert parts(mine) == ({"flip", "rotate"}, set(), False)


def test_own_module():
    from parity.steps import photometric

    steps, applies, _ = parts(photometric)
    assert (steps, applies) == ({"photometric_sample"}, {"photometric"})


def test_pipeline_without_stream_draws_for_itself():
    two = candidate_from(lambda image, seg: (seg, image), "two")
    assert not two.shares_stream
    assert two.pipeline(1, 2, None) == (2, 1)
    assert candidate_from(lambda image, seg, rng: (image, seg), "three").shares_stream


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"krop": drawing}, "no step is called krop"),
        ({"crop": 3}, "crop cannot be called"),
        (NeedsArguments, "cannot be made without arguments"),
        (3, "a int gives no step"),
        (lambda image: image, "gives no step and is no pipeline"),
        (types.SimpleNamespace(krop=drawing), "name its functions like the steps"),
    ],
)
def test_refused(given, message):
    with pytest.raises(InputError, match=message):
        candidate_from(given, "given")


def test_which_part_stands_in():
    both = {"crop_sample", "crop"}
    assert part_for(both, (), STEPS["crop"]) == "step:crop_sample"
    assert part_for({"crop"}, {"crop"}, STEPS["crop"]) == "step:crop"
    assert part_for({"crop"}, {"crop"}, STEPS["crop"], replay=True) == "apply:crop"
    assert part_for((), {"crop"}, STEPS["crop"]) == "apply:crop"
    assert part_for((), {"crop"}, STEPS["flip"]) == ""
    assert part_for({"random_resize_sample"}, (), STEPS["resize"]) == "step:random_resize_sample"
    assert part_for({"random_resize_sample"}, (), VAL["resize"]) == ""


def test_loading_can_be_applied_in_parts():
    assert part_for((), {"load_annotation"}, STEPS["load"]) == "apply:load_annotation"
    assert part_for((), {"load_annotation"}, VAL["load_image"]) == ""
    assert applies_to(Step("collate", drawing)) == ()


def test_every_step_can_be_named():
    assert {"load", "crop", "loss_dice", "collate", "iou"} <= set(step_names())


@pytest.mark.parametrize("name", ["mask2former_loss", "cross_entropy"])
def test_a_plain_name_selects_every_probe_of_its_function(name):
    """Also where a probe has the plain name: the candidate is run on the other ones, too."""
    [function] = {step.function for step in all_steps() if step.function.__name__ == name}
    selected = select_steps([name])
    assert selected == {step.name for step in all_steps() if step.function is function}
    assert len(selected) > 1
    nameless = candidate_from(lambda *given: given, "given", asked=selected)
    for step in all_steps():
        assert bool(part_for(nameless.steps, (), step)) == (step.name in selected)


def test_the_name_of_a_probe_selects_it_alone():
    assert select_steps(["loss_ce_valid"]) == {"loss_ce_valid"}
    assert "crop" in select_steps(["crop_sample"])
    with pytest.raises(InputError, match="no step krop; did you mean crop"):
        select_steps(["crop", "krop"])
