"""Importing the reference, in fresh processes: lite, compiled, widened, missing, broken."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest


def python(code, *flags):
    return subprocess.run(
        [sys.executable, *flags, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
    )


HIDE = """
    import sys
    class Hide:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in {hidden!r}:
                raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
    sys.meta_path.insert(0, Hide())
    import importlib.util
    real = importlib.util.find_spec
    importlib.util.find_spec = lambda name, package=None: (
        None if name.partition(".")[0] in {hidden!r} else real(name, package)
    )
"""
WITHOUT = HIDE.format(hidden=("mmseg", "mmcv", "mmengine", "mmdet"))


def test_parity_never_imports_the_reference():
    done = python(
        """
        import pkgutil, importlib, sys, parity
        for module in pkgutil.walk_packages(parity.__path__, "parity."):
            if not module.name.startswith(("parity.checks.test_", "parity.pytest_plugin")):
                importlib.import_module(module.name)
        loaded = {name.partition(".")[0] for name in sys.modules}
        print(sorted(loaded & {"mmseg", "mmcv", "mmengine", "mmdet"}))
        """
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    "call",
    [
        "main(['check', '--live'])",
        "main(['record'])",
    ],
)
def test_without_mmseg_one_line(call):
    arguments = call.removeprefix("main(").removesuffix(")")
    done = python(
        WITHOUT
        + f"\n    sys.argv = ['parity', *{arguments}]"
        + "\n    from parity.cli import main\n    main()\n"
    )
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: mmseg, mmcv, mmengine, mmdet not installed; install it with"
    )
    assert done.stderr.count("\n") == 1


def test_without_mmseg_recorded_is_the_default():
    done = python(
        WITHOUT
        + "\n    sys.argv = ['parity', 'check']\n    from parity.cli import main\n    main()\n"
    )
    assert done.returncode == 0, done.stderr
    assert "(recorded reference)" in done.stdout


@pytest.mark.parametrize(("flags", "code"), [((), 0), (("--recorded",), 0), (("--live",), 4)])
def test_suite_without_mmseg(flags, code):
    options = ["parity/checks/test_crop.py", "-q", "-p", "no:cacheprovider", *flags]
    done = python(WITHOUT + f"\n    import pytest\n    sys.exit(pytest.main({options!r}))\n")
    assert done.returncode == code, done.stdout + done.stderr


@pytest.mark.live
def test_lite():
    done = python(
        """
        from reference.compat import load_reference
        from parity.errors import ReferenceUnavailable
        info = load_reference()
        import mmcv.ops, mmengine.utils.dl_utils
        if info.compiled_ops:
            raise SystemExit("compiled")
        full = mmengine.utils.dl_utils.misc.mmcv_full_available()
        print(info.versions["mmcv"], info.widened, full)
        try:
            mmcv.ops.nms(*[__import__("torch").zeros(1, 4), __import__("torch").zeros(1)], 0.5)
        except ReferenceUnavailable as error:
            print(error)
        """
    )
    if "compiled" in done.stderr:
        pytest.skip("the compiled mmcv is installed")
    assert done.stdout.startswith("2.1.0 (lite) False False\nmmcv op 'nms' is compiled code"), (
        done.stderr
    )


@pytest.mark.live
def test_compiled_extension_is_left_alone():
    done = python(
        """
        import sys, types, importlib.machinery, importlib.util
        class Compiled(types.ModuleType):
            def __getattr__(self, name):
                if name.startswith("__"):
                    raise AttributeError(name)
                return lambda *a, **k: "compiled " + name
        class Finder:
            def find_spec(self, name, path=None, target=None):
                if name == "mmcv._ext":
                    return importlib.machinery.ModuleSpec(name, self)
            def create_module(self, spec):
                return Compiled(spec.name)
            def exec_module(self, module):
                pass
        sys.meta_path.insert(0, Finder())
        from reference.compat import load_reference
        info = load_reference()
        import mmcv._ext
        print(info.compiled_ops, info.versions["mmcv"], mmcv._ext.nms())
        """
    )
    assert done.stdout.startswith("True "), done.stderr
    assert done.stdout.strip().endswith("(full) compiled nms")


@pytest.mark.live
@pytest.mark.parametrize(
    ("version", "widened"), [("2.2.0", True), ("2.2.5", True), ("2.1.9", False)]
)
def test_version_window(version, widened):
    done = python(
        f"""
        import mmcv
        mmcv.__version__ = {version!r}
        from parity.live import reference_header
        versions, notes = reference_header()
        import mmseg, mmdet
        print(mmcv.__version__, versions["mmcv"].split()[0], bool(notes), *notes)
        """
    )
    assert done.stdout.startswith(f"{version} {version} {widened}"), done.stderr
    assert ("window was widened" in done.stdout) is widened


@pytest.mark.live
def test_versions_beyond_the_window_are_refused():
    done = python(
        """
        import mmcv
        mmcv.__version__ = "2.3.0"
        from reference.compat import load_reference
        load_reference()
        """
    )
    assert (
        "ReferenceUnavailable: the installed reference does not import (AssertionError"
        in done.stderr
    )


@pytest.mark.live
def test_global_random_state_is_given_back():
    import numpy as np
    from numpy.random import RandomState

    from parity.checks.support import sample_of
    from reference.flip import flip_sample

    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    rng = RandomState(1)
    flip_sample(sample_of(np.zeros((2, 2, 3), np.uint8), None), rng, prob=0.5)
    assert np.array_equal(np.random.get_state()[1], before)
    assert rng.get_state()[2] != RandomState(1).get_state()[2]
