"""How the page looks, prints, and reads to a screen reader, in a real browser."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.report.builders import make_pages
from tests.report.chromium import chromium, run

ROOT = Path(__file__).parents[2]
AXE = [
    *([Path(os.environ["AXE_CORE"])] if "AXE_CORE" in os.environ else []),
    *(folder / "node_modules" / "axe-core" / "axe.min.js" for folder in (ROOT, Path.home())),
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    return make_pages(tmp_path_factory.mktemp("pages"))


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
    assert len(result["data"]) > 100_000
    folded = run(
        browser,
        "window.dispatchEvent(new Event('beforeprint'));"
        "return document.querySelectorAll('details.v-different:not([open])').length",
    )
    assert folded == 0


@pytest.mark.parametrize("name", ["sample", "rich", "hostile"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_accessible(pages, name, dark):
    """No serious finding of axe-core, with every step open."""
    found = next((path for path in AXE if path.is_file()), None)
    if found is None:
        pytest.skip("axe-core is not installed; set AXE_CORE to axe.min.js of npm's axe-core")
    with chromium(dark=dark) as browser:
        browser.get(pages[name].as_uri())
        opened = "details.step, details.exhibit" if name == "sample" else "details.step[open]"
        run(
            browser, "document.querySelectorAll(arguments[0]).forEach((e) => e.open = true)", opened
        )
        run(browser, found.read_text("utf-8"))
        browser.set_script_timeout(300)
        result = browser.execute_async_script("axe.run().then(arguments[0])")
    serious = [
        (item["id"], len(item["nodes"]), item["nodes"][0]["html"][:200])
        for item in result["violations"]
        if item["impact"] in ("serious", "critical")
    ]
    assert serious == []
    assert len(result["passes"]) > 10
