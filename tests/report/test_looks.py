"""How the page looks, prints, and reads to a screen reader, in a real browser."""

import base64
import os
from importlib.resources import files
from pathlib import Path

import pytest

from tests.report.chromium import chromium, run

# axe-core itself, or with AXE_CORE=axe.min.js a newer one than the package brings.
AXE = Path(os.environ.get("AXE_CORE") or str(files("axe_core_python") / "axe.min.js"))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_screenshots(pages, tmp_path, width, dark):
    """Kept under the test's temporary folder, to be looked at."""
    with chromium(width=width, dark=dark) as browser:
        browser.get(pages["sample"].as_uri())
        path = tmp_path / f"sample-{width}-{'dark' if dark else 'light'}.png"
        assert browser.save_screenshot(str(path))
        paper = run(browser, "return getComputedStyle(document.body).backgroundColor")
    assert path.stat().st_size > 10_000
    assert (paper == "rgb(20, 23, 28)") is dark


def test_prints_what_is_folded(pages):
    with chromium() as browser:
        browser.get(pages["sample"].as_uri())
        prints(browser)


def prints(browser):
    result = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    assert base64.b64decode(result["data"]).startswith(b"%PDF-")
    folded = run(
        browser,
        "window.dispatchEvent(new Event('beforeprint'));"
        "return document.querySelectorAll('details.v-different:not([open])').length",
    )
    assert folded == 0


@pytest.mark.parametrize("name", ["sample", "rich", "hostile", "explained"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_accessible(pages, name, dark):
    """No serious finding of axe-core, with every step open."""
    with chromium(dark=dark) as browser:
        browser.get(pages[name].as_uri())
        opened = {
            "sample": "details.step, details.exhibit",
            "explained": "details",
        }.get(name, "details.step[open]")
        run(
            browser, "document.querySelectorAll(arguments[0]).forEach((e) => e.open = true)", opened
        )
        run(browser, AXE.read_text("utf-8"))
        browser.set_script_timeout(300)
        result = browser.execute_async_script("axe.run().then(arguments[0])")
    serious = [
        (item["id"], len(item["nodes"]), item["nodes"][0]["html"][:200])
        for item in result["violations"]
        if item["impact"] in ("serious", "critical")
    ]
    assert serious == []
    assert result["passes"]
