"""Every detector of the doctor hits what it is for, and leaves a healthy environment alone."""

import pytest

from parity.guard.doctor import WINDOWS, Window, at_least, key, window_in

from .made import Made

SLOW = "import time; time.sleep(60)"


@pytest.fixture
def made(tmp_path, monkeypatch):
    environment = Made(tmp_path)
    monkeypatch.setenv("PATH", str(environment.programs))
    monkeypatch.delenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", raising=False)
    return environment


def only(lines, name):
    (line,) = [line for line in lines if line.name == name]
    return line


def troubles(lines):
    return [line for line in lines if line.status != "ok"]


def test_a_healthy_environment_has_no_trouble(made):
    lines = made.lines()
    assert troubles(lines) == []
    assert [line.name for line in lines] == [
        *("Python", "torch", "CUDA", "cuDNN", "GPU", "mmcv", "mmcv ops", "mmcv loads"),
        *("mmsegmentation", "mmengine", "mmdet", "ftfy, regex", "OpenCV", "Pillow", "NumPy"),
        "setuptools",
    ]


def lite(made):
    made.remove("mmcv")
    made.package("mmcv-lite", "2.1.0")
    (made.site / "mmcv/_ext.so").unlink()


def without_ops(made):
    (made.site / "mmcv/_ext.so").unlink()


def other_python(made):
    (made.site / "mmcv/_ext.so").rename(made.site / "mmcv/_ext.cpython-27-x86_64-linux-gnu.so")


def unloadable(made):
    path = made.site / "mmcv/_ext.so"
    path.write_bytes(b"\x7fELF" + path.read_bytes()[4:200] + path.read_bytes()[-200:])


def both_opencv(version):
    return lambda made: made.package("opencv-python-headless", version)


def newer_torch(made):
    made.package("torch", "2.6.0")


# What is changed, the line that tells, its status, words of its text, words of its fix.
HITS = [
    (lambda m: m.remove("torch"), "torch", "error", "not installed", "pip install torch"),
    (
        lambda m: m.file("torch/__init__.py", "1/0"),
        *("torch", "error", "ZeroDivision", "torch==2.1.2"),
    ),
    (lambda m: m.torch(cuda=None), "torch", "error", "built without CUDA", "torch==2.1.2"),
    (lambda m: m.package("torch", "1.9.1"), "torch", "warning", "1.9.1", "pip install -U torch"),
    (newer_torch, "checkpoints", "warning", "refuses", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1"),
    (lambda m: m.torch(archs="sm_50 sm_70"), "torch kernels", "error", "needs sm_86", "torch"),
    (lambda m: m.torch(gpus=[], available=False), "GPU", "warning", "none found", "--gpu"),
    (lambda m: m.remove("mmcv"), "mmcv", "error", "not installed", "MMCV_WITH_OPS=1"),
    (
        lambda m: m.package("mmcv-lite", "2.1.0"),
        *("mmcv", "error", "share", "uninstall -y mmcv mmcv-l"),
    ),
    (lambda m: m.package("mmcv", "2.2.0"), "mmcv", "error", "by mmseg and mmdet", "mmcv==2.1.0"),
    (lambda m: m.package("mmcv", "1.7.2"), "mmcv", "error", "by mmseg and mmdet", "mmcv==2.1.0"),
    (lite, "mmcv ops", "error", "no compiled ops", "pip uninstall -y mmcv-lite"),
    (without_ops, "mmcv ops", "error", "no compiled ops", "--no-build-isolation"),
    (other_python, "mmcv ops", "error", "for another Python", "ARCH_LIST='8.6'"),
    (lambda m: m.extension((2, 70)), "mmcv ops", "error", "needs sm_86, has sm_70", "LIST='8.6'"),
    (lambda m: m.extension((1, 90)), "mmcv ops", "error", "has compute_90", "ARCH_LIST='8.6'"),
    (lambda m: m.extension(), "mmcv ops", "error", "the CPU alone", "ARCH_LIST='8.6'"),
    (lambda m: m.extension((2, 86), cuda=11), "mmcv's CUDA", "error", "built for CUDA 11", "LIST"),
    (unloadable, "mmcv loads", "error", "cannot be loaded", "pip install"),
    (lambda m: m.remove("mmsegmentation"), "mmsegmentation", "error", "not installed", "==1.2.2"),
    (lambda m: m.package("mmengine", "0.4.0"), "mmengine", "error", "outside of 0.5.0", "==0.10.7"),
    (lambda m: m.package("mmdet", "2.28"), "mmdet", "warning", "outside of 3.0.0rc0", "==3.3.0"),
    (lambda m: m.remove("mmdet"), "mmdet", "warning", "Mask2Former", "pip install mmdet"),
    (lambda m: m.remove("ftfy"), "ftfy, regex", "error", "ftfy not installed", "pip install ftfy"),
    (lambda m: m.remove("regex"), "ftfy, regex", "error", "regex not", "pip install regex"),
    (both_opencv("4.9.0.80"), "OpenCV", "warning", "overwrite", "pip uninstall -y opencv-python"),
    (both_opencv("5.0.0.93"), "OpenCV", "error", "overwrite", "'opencv-python-headless<4.12'"),
    (
        lambda m: (m.package("torch", "2.4.0"), both_opencv("4.10.0.84")(m)),
        *("OpenCV", "error", "overwrite", "opencv-python-headless==4.10.0.84"),
    ),
    (lambda m: m.remove("opencv-python"), "OpenCV", "error", "not installed", "headless"),
    (lambda m: m.package("Pillow", "5.4.1"), "Pillow", "warning", "outside of 6", "pip install"),
    (lambda m: m.package("numpy", "2.2.6"), "NumPy", "error", "torch 2.1.2", "'numpy<2' 'opencv"),
    (lambda m: m.package("numpy", "1.16"), "NumPy", "warning", "outside of 1.19", "pip install"),
    (lambda m: m.remove("numpy"), "NumPy", "error", "not installed", "pip install"),
    (
        lambda m: (m.site / "pkg_resources/__init__.py").unlink(),
        *("setuptools", "warning", "no pkg_resources", "'setuptools<81'"),
    ),
    (
        lambda m: (
            m.package("torch", "2.1.2", "nvidia-cudnn-cu12 (==8.9.2.26) ; x"),
            m.package("nvidia-cudnn-cu12", "9.1.0.70"),
        ),
        *("CUDA wheels", "warning", "nvidia-cudnn-cu12==8.9.2.26", "pip install nvidia-cudnn"),
    ),
    (
        lambda m: (m.package("torch", "2.4.0"), m.package("numpy", "2.0.0")),
        *("NumPy", "error", "opencv-python 4.9.0.80 is built", "'numpy<2'"),
    ),
]


def test_mmcv_of_mmseg_0_x_has_its_ops_in_mmcv_full(made):
    made.file("mmseg/__init__.py", "MMCV_MIN = '1.3.13'\nMMCV_MAX = '1.8.0'\n")
    made.file("mmdet/__init__.py")
    made.package("mmcv", "1.7.2")
    without_ops(made)
    lines = made.lines()
    assert only(lines, "mmcv").text.startswith("1.7.2 lite")
    assert only(lines, "mmcv ops").fix.startswith("pip uninstall -y mmcv && TORCH_CUDA_ARCH_LIST")
    assert only(lines, "mmcv ops").fix.endswith("--no-binary mmcv-full mmcv-full==1.7.2")


@pytest.mark.parametrize(("change", "name", "status", "text", "fix"), HITS)
def test_hits(made, change, name, status, text, fix):
    change(made)
    line = only(made.lines(), name)
    assert line.status == status
    assert text in line.text
    assert fix in line.fix


NOOPS = [
    lambda m: m.torch(version="2.1.2+cpu", cuda="12.4"),
    lambda m: m.extension((2, 80)),  # machine code of the same major runs
    lambda m: m.extension((1, 70)),  # PTX is compiled when it is loaded
    lambda m: m.extension((2, 70), (2, 86)),
    lambda m: m.torch(archs="sm_50 compute_70"),
    lambda m: m.package("mmcv", "2.0.0"),
    lambda m: m.package("mmcv", "2.0.0rc4"),
    lambda m: (
        m.package("mmcv", "2.2.0"),  # edited by hand
        m.file("mmseg/__init__.py", "MMCV_MIN = '2.0'\nMMCV_MAX = '2.3'\n"),
        m.file("mmdet/__init__.py", "mmcv_minimum_version = '2.0'\nmmcv_maximum_version = '2.3'\n"),
    ),
    lambda m: (
        m.package("torch", "2.6.0"),
        m.file("mmengine/runner/checkpoint.py", "torch.load(f, weights_only=False)"),
    ),
    lambda m: (
        m.package("torch", "2.4.0"),
        m.package("numpy", "2.2.6"),
        m.package("opencv-python", "4.11.0.86"),
    ),
    lambda m: (
        m.package("torch", "2.1.2", "nvidia-cudnn-cu12 (==8.9.2.26) ; x"),
        m.package("nvidia-cudnn-cu12", "8.9.2.26"),
    ),
    lambda m: (m.remove("opencv-python"), m.package("opencv-python-headless", "4.9.0.80")),
    lambda m: m.package("setuptools", "81.0.0"),  # the last with pkg_resources
]


@pytest.mark.parametrize("change", NOOPS)
def test_noops(made, change):
    change(made)
    assert troubles(made.lines()) == []


def test_another_gpu_can_be_asked_for(made):
    line = only(made.lines(gpus=[90]), "mmcv ops")
    assert (line.status, "needs sm_90, has sm_86" in line.text) == ("error", True)
    assert "TORCH_CUDA_ARCH_LIST='9.0'" in line.fix


def smi(row, failing=""):
    return f"""import sys
if "compute_cap" in sys.argv[1] and {failing!r}:
    sys.exit({failing!r})
print({row!r} if "compute_cap" in sys.argv[1] else {row.rpartition(",")[0]!r})"""


@pytest.mark.parametrize(("driver", "status"), [("535.54.03", "ok"), ("470.57.02", "error")])
def test_the_driver_must_be_new_enough(made, driver, status):
    made.program("nvidia-smi", smi(f"NVIDIA GeForce RTX 3090, {driver}, 8.6"))
    lines = made.lines()
    assert only(lines, "driver").status == status
    assert only(lines, "mmcv ops").status == "ok"


def test_a_gpu_that_torch_does_not_see(made):
    made.program("nvidia-smi", smi("NVIDIA GeForce RTX 3090, 535.54.03, 8.6"))
    made.torch(gpus=[], available=False)
    lines = made.lines()
    assert "sees no GPU" in only(lines, "torch").text
    assert only(lines, "mmcv ops").status == "ok"


def test_an_nvidia_smi_without_compute_capability(made):
    made.program("nvidia-smi", smi("Tesla V100, 440.33, 7.0", failing="not a valid field"))
    made.torch(gpus=[], available=False, cuda="10.2")
    line = only(made.lines(), "mmcv ops")
    assert (line.status, "not known" in line.text) == ("warning", True)
    assert "--gpu" in line.fix


def test_a_data_set_is_counted_and_paired(made, tmp_path):
    root = made.data(tmp_path / "ade", pairs=3)
    (root / "images/training/0.jpg").unlink()
    lines = made.lines(data=root)
    assert only(lines, "validation").text == "3 pairs; ADE20K has 2,000"
    training = only(lines, "training")
    assert training.status == "error"
    assert training.text == "2 pairs; 1 label maps no image (0)"
    (root / "annotations/training/1.png").unlink()
    assert "1 images have no label map (1)" in only(made.lines(data=root), "training").text


def test_a_whole_data_set_is_right(made, tmp_path, monkeypatch):
    monkeypatch.setattr("parity.guard.doctor.ADE20K", {"training": 2, "validation": 2})
    root = made.data(tmp_path / "ade")
    (root / "images/training/inside").mkdir()
    assert troubles(made.lines(data=root)) == []
    assert only(made.lines(data=root), "training").text == "2 pairs, as ADE20K has"


def test_a_folder_that_cannot_be_read_costs_its_split_only(made, tmp_path):
    root = made.data(tmp_path / "ade")
    (root / "annotations/training").rename(root / "annotations/away")
    (root / "annotations/training").symlink_to(root / "annotations/training")
    lines = made.lines(data=root)
    assert "symbolic links" in only(lines, "training").text
    assert only(lines, "validation").text == "2 pairs; ADE20K has 2,000"
    assert only(made.lines(data=tmp_path / "gone"), "validation").status == "error"


@pytest.mark.parametrize(
    ("content", "says"), [(b"", "names no package"), (b"Name: \xff\xfe\nVersion\n", "numpy-9")]
)
def test_a_broken_package_costs_itself_only(made, content, says):
    made.file("numpy-9.dist-info/METADATA").write_bytes(content)
    lines = made.lines()
    assert [line.name for line in troubles(lines)] == ["broken"]
    assert says in only(lines, "broken").text
    assert only(lines, "broken").fix.endswith("numpy")
    assert only(lines, "NumPy").text.startswith("1.26.4")


def test_a_second_version_beside_the_first_is_told(made):
    made.file("mmengine-0.9.0.dist-info/METADATA", "Name: mmengine\nVersion: 0.9.0\n")
    assert "a second mmengine" in only(made.lines(), "broken").text


def test_a_checkout_on_the_path_counts(made):
    made.remove("mmsegmentation")
    made.file("mmseg/version.py", "__version__ = '1.2.1'\n")
    assert only(made.lines(), "mmsegmentation").text.startswith("1.2.1")


def test_a_torch_that_hangs_or_crashes_costs_its_own_lines_only(made):
    made.file("torch/__init__.py", SLOW)
    lines = made.lines(limit=1)
    assert "no answer within 1 seconds" in only(lines, "torch").text
    assert only(lines, "NumPy").status == "ok"
    made.file("torch/__init__.py", "import os; os.kill(os.getpid(), 11)")
    assert "killed by signal 11" in only(made.lines(), "torch").text


def test_what_torch_said_before_it_hung_is_kept(made):
    made.torch()
    with (made.site / "torch/__init__.py").open("a") as stream:
        stream.write(f"def wait(): {SLOW}\ncuda.is_available = wait\n")
    lines = made.lines(limit=1)
    assert "asked for its GPUs: no answer" in only(lines, "torch").text
    assert only(lines, "CUDA").text == "12.1 in torch"


def test_an_nvidia_smi_that_hangs_costs_its_own_line_only(made):
    made.program("nvidia-smi", SLOW)
    lines = made.lines(limit=1.5)
    assert [line.name for line in troubles(lines)] == ["driver"]
    made.program("nvidia-smi", "import sys; sys.exit('Driver/library version mismatch')")
    assert "version mismatch" in only(made.lines(), "driver").text


@pytest.mark.parametrize("content", [b"", b"\x7fELF" + bytes(50)])
def test_an_extension_that_is_cut_off(made, content):
    (made.site / "mmcv/_ext.so").write_bytes(content)
    assert [line.status for line in made.lines() if line.name == "mmcv ops"] == ["error"]


def test_versions_sort():
    names = ["1.0.dev1", "1.0a1", "1.0b1", "1.0rc1", "1", "1.0.post1", "1.0.1", "1.10"]
    assert sorted([*names[3:], *names[:3]], key=key) == names
    assert at_least("2.1.2+cu121", "2.1.2")
    assert not at_least("2.0.0rc4", "2")
    assert not at_least("", "1")


def test_windows_are_read_where_packages_assert_them():
    source = "mmcv_minimum_version = '1.3.17'\nmmcv_maximum_version = '1.8.0'\n"
    assert window_in(source, "mmcv") == Window("1.3.17", "1.8.0")
    closed = source + "assert v <= digit_version(mmcv_maximum_version)"
    assert window_in(closed, "mmcv").holds("1.8.0")
    assert window_in("1 +", "mmcv") is None
    assert window_in("MMCV_MAX = str(2)", "mmcv") is None
    assert not WINDOWS["mmcv"].holds("2.2.0")
