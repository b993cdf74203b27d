import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from parity.checks.files import encoded, write_images, write_labels
from parity.checks.support import assert_equal
from parity.compare import Verdict, compare
from parity.errors import InputError
from parity.live import reference_module
from parity.pipeline import Step
from parity.sample import DataInfo
from parity.steps import load
from parity.steps.load import apply_label_map, load_annotation, load_image, load_sample, reduce_zero

COLOR_TYPES = [
    "color",
    "grayscale",
    "unchanged",
    "color_ignore_orientation",
    "grayscale_ignore_orientation",
]


@pytest.mark.parametrize("step", ["load", "load_image", "load_annotation"])
def test_recorded(recorded, step):
    recorded.assert_equal(step)


@pytest.fixture
def photo():
    rng = np.random.RandomState(3)
    coarse = rng.randint(0, 256, (8, 11, 3)).astype(np.uint8)
    return np.array(Image.fromarray(coarse).resize((61, 43)))


def assert_same_array(actual, expected):
    found = compare(actual, expected)
    assert found.verdict is Verdict.EQUAL, str(found)


@pytest.mark.live
class TestImage:
    @pytest.mark.parametrize("color_type", COLOR_TYPES)
    @pytest.mark.parametrize("backend", ["cv2", "pillow"])
    def test_every_encoding(self, tmp_path, photo, color_type, backend):
        reference = reference_module("load").load_image

        files = write_images(tmp_path, photo)
        for path in files:
            options = {"color_type": color_type, "backend": backend}
            assert_same_array(load_image(path, **options), reference(path, **options))

    def test_float(self, tmp_path, photo):
        reference = reference_module("load").load_image

        path = tmp_path / "a.png"
        Image.fromarray(photo).save(path)
        assert_same_array(load_image(path, to_float32=True), reference(path, to_float32=True))

    @pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
    def test_truncated_as_the_reference_reads_it(self, tmp_path, photo, suffix):
        """Where OpenCV decodes a file that is cut off, `allow_truncated` gives the same pixels."""
        reference = reference_module("load").load_image

        content = encoded(photo, suffix)
        path = tmp_path / f"cut{suffix}"
        path.write_bytes(content[: len(content) * 2 // 3])
        with pytest.raises(InputError, match="truncated"):
            load_image(path)
        try:
            expected = reference(path)
        except AssertionError:  # OpenCV gives nothing for this format
            with pytest.raises(InputError, match="not an image"):
                load_image(path, allow_truncated=True)
        else:
            assert_same_array(load_image(path, allow_truncated=True), expected)


@pytest.mark.live
class TestAnnotation:
    @pytest.mark.parametrize("reduce_zero_label", [False, True])
    @pytest.mark.parametrize("label_map", [None, {}, {0: 1, 1: 0, 149: 255, 7: 7}])
    @pytest.mark.parametrize("backend", ["pillow", "cv2"])
    def test_every_encoding(self, tmp_path, reduce_zero_label, label_map, backend):
        reference = reference_module("load").load_annotation

        seg = np.random.RandomState(1).randint(0, 256, (21, 17)).astype(np.uint8)
        seg.flat[:6] = [0, 1, 150, 253, 254, 255]
        options = {
            "reduce_zero_label": reduce_zero_label,
            "label_map": label_map,
            "backend": backend,
        }
        for path in write_labels(tmp_path, seg):
            assert_same_array(load_annotation(path, **options), reference(path, **options))

    @pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 1)])
    def test_one_pixel_wide(self, tmp_path, shape):
        reference = reference_module("load").load_annotation

        path = tmp_path / "a.png"
        Image.fromarray(np.full(shape, 4, np.uint8)).save(path)
        assert_same_array(load_annotation(path), reference(path))

    def test_photographs(self, photographs):
        for info in photographs:
            for reduce_zero_label in (False, True):
                changed = DataInfo(
                    info.img_path, info.seg_map_path, {0: 3, 3: 0}, reduce_zero_label
                )
                assert_equal(Step("load", load_sample), changed)


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_reduce_zero_by_definition(seg):
    expected = [[{0: 255, 255: 255}.get(int(v), int(v) - 1) for v in row] for row in seg]
    before = seg.copy()
    assert reduce_zero(seg).tolist() == expected
    assert np.array_equal(seg, before)


def test_label_map_reads_an_unmodified_copy():
    seg = np.array([[0, 1, 2]], np.uint8)
    assert apply_label_map(seg, {0: 1, 1: 2, 2: 0}).tolist() == [[1, 2, 0]]
    with pytest.raises(InputError, match="-1"):
        apply_label_map(seg, {0: -1})


def test_wrong_options():
    content = encoded(np.zeros((2, 2, 3), np.uint8), ".png")
    with pytest.raises(InputError, match="color_type"):
        load.decode(content, name="a.png", color_type="rgb")
    with pytest.raises(InputError, match="backend"):
        load.decode(content, name="a.png", backend="turbojpeg")


def test_hidden_end_marker_in_a_thumbnail(photo):
    """A cut JPEG whose EXIF thumbnail is whole is still cut."""
    exif = Image.Exif()
    exif[0x010E] = "thumbnail \xff\xd9 here"
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "jpeg", exif=exif)
    content = stream.getvalue()
    assert load.find_truncation(content) is None
    assert load.find_truncation(content[:-2]) is not None
    assert load.find_truncation(content[: len(content) // 2]) is not None
