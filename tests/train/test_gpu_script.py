"""The pieces of ``make gpu`` that run anywhere."""

import json

import pytest
import torch

from parity.train.settings import read_settings


@pytest.fixture
def gpu(monkeypatch):
    import gpu as module

    monkeypatch.setattr(module, "IMAGES", 3)
    monkeypatch.setattr(module, "SIZE", (48, 64))
    return module


@pytest.mark.live
def test_a_family_on_the_cpu(gpu, config, tmp_path):
    given = [str(config), "no_such_config", "--device", "cpu", "--lockstep", "3"]
    assert gpu.main([*given, "--out", str(tmp_path / "out")]) == 1
    done, missing = json.loads((tmp_path / "out" / "training.json").read_text())["rows"]
    assert done["verdict"].startswith("equal: 3 iterations")
    assert set(done["rate"]) == {"reference", "candidate"}
    assert all(rate > 0 for rate in done["rate"].values())
    assert missing["verdict"].startswith("not trained: ")
    assert "not trained" in (tmp_path / "out" / "training.md").read_text()
    assert "parameters" in (tmp_path / "out" / "tiny.txt").read_text()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_one_line(gpu, capsys, tmp_path):
    assert gpu.main(["--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_every_family_can_be_trained_by_our_loop(gpu, tmp_path):
    from parity.train.plan import plan_of

    gpu.make_data(tmp_path, 1)
    for config in gpu.FAMILIES:
        assert plan_of(read_settings(config, data=tmp_path)).max_iters >= gpu.ALONE
