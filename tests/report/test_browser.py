"""The page in a real browser."""

import json
from pathlib import Path

import pytest

from tests.report.chromium import chromium, resize, run


@pytest.fixture(scope="module")
def browser():
    with chromium() as driver:
        yield driver


@pytest.fixture
def page(browser, pages):
    """Opens a page and, when the test is done, holds it to silence: no error, no request."""

    def open_page(name, *, width=1280):
        resize(browser, width=width, height=900)
        browser.get_log("browser")
        browser.get_log("performance")
        browser.get(pages[name].as_uri())
        return browser

    yield open_page
    assert browser.get_log("browser") == []
    assert requests(browser) == []
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert browser.execute_script("return window.pwned") is None


def requests(browser):
    """Addresses that were asked for, but the page itself and what lies inside it."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    asked = [params["request"]["url"] for params in sent if params["documentURL"] != "about:blank"]
    page = browser.current_url.partition("#")[0]
    return [url for url in asked if url.partition("#")[0] != page and not url.startswith("data:")]


def element(browser, selector):
    from selenium.webdriver.common.by import By

    return browser.find_element(By.CSS_SELECTOR, selector)


NAMES = ["sample", "rich", "hostile"]


class TestSteps:
    @pytest.mark.parametrize("name", NAMES)
    def test_a_click_opens_the_step(self, page, name):
        browser = page(name)
        target = run(
            browser,
            "const all = [...document.querySelectorAll('.strip a, .chip')];"
            "const link = all.find((a) => !document.querySelector(a.hash).open);"
            "link.setAttribute('data-test', ''); return link.hash",
        )
        element(browser, "[data-test]").click()
        assert run(browser, "return document.querySelector(arguments[0]).open", target)
        assert run(browser, "return document.activeElement.parentElement.id") == target[1:]
        assert run(browser, "return location.hash") == target

    def test_a_failing_step_is_open_from_the_start(self, page):
        browser = page("sample")
        shown = run(
            browser,
            "return [...document.querySelectorAll('details.step[open] .step-name')]"
            ".map((e) => e.innerText)",
        )
        assert shown == ["train / crop"]

    def test_an_address_with_a_step_opens_it(self, page, pages):
        browser = page("rich")
        browser.get("about:blank")
        browser.get(pages["rich"].as_uri() + "#exhibit-1")
        assert run(browser, "return document.getElementById('exhibit-1').checkVisibility()")

    @pytest.mark.parametrize("name", NAMES)
    def test_keyboard_reaches_and_opens(self, page, name):
        from selenium.webdriver.common.keys import Keys

        browser = page(name)
        run(browser, "document.querySelector('.stop a').focus()")
        link = browser.switch_to.active_element
        target = link.get_attribute("hash")
        link.send_keys(Keys.ENTER)
        assert run(browser, "return document.querySelector(arguments[0]).open", target)


class TestPictures:
    def viewer(self, browser):
        run(
            browser,
            "const v = [...document.querySelectorAll('.viewer')]"
            ".find((e) => e.querySelector('.wipe'));"
            "for (let at = v; at; at = at.parentElement) if (at.open === false) at.open = true;"
            "v.setAttribute('data-test', '')",
        )
        return element(browser, "[data-test]")

    def slide(self, browser, selector, value):
        run(
            browser,
            "const input = document.querySelector(arguments[0]); input.value = arguments[1];"
            "input.dispatchEvent(new Event('input', {bubbles: true}))",
            f"[data-test] {selector}",
            value,
        )

    @pytest.mark.parametrize("name", NAMES)
    def test_zoom_stays_in_step(self, page, name):
        browser = page(name)
        self.viewer(browser)
        self.slide(browser, ".zoom", 4)
        boxes = run(
            browser,
            "return [...document.querySelector('[data-test] .panes').querySelectorAll('.plate')]"
            ".map((e) => e.getAttribute('viewBox'))",
        )
        assert len(boxes) == 3
        assert len(set(boxes)) == 1
        assert not boxes[0].startswith("0 0 ")

    @pytest.mark.parametrize("name", NAMES)
    def test_slider_wipes_to_the_expected(self, page, name):
        browser = page(name)
        self.viewer(browser)
        self.slide(browser, ".wipe", 50)
        cover = run(
            browser,
            "const p = document.querySelector('[data-test] .panes');"
            "const c = p.querySelector('.pane-actual .cover');"
            "const e = p.querySelector('.pane-expected .pixels');"
            "return [c.getAttribute('width') / e.getAttribute('width'),"
            " c.querySelector('image').getAttribute('href') === e.getAttribute('href'),"
            " c.getBoundingClientRect().width]",
        )
        assert cover[:2] == [0.5, True]
        assert cover[2] > 20

    def test_arrow_keys_move_all(self, page):
        from selenium.webdriver.common.keys import Keys

        browser = page("sample")
        self.viewer(browser)
        plate = element(browser, "[data-test] .plate")
        plate.send_keys("+")
        before = run(browser, "return arguments[0].getAttribute('viewBox')", plate)
        plate.send_keys(Keys.ARROW_RIGHT)
        boxes = run(
            browser,
            "return [...document.querySelectorAll('[data-test] .plate')]"
            ".map((e) => e.getAttribute('viewBox'))",
        )
        assert before not in boxes
        assert len(set(boxes)) == 1

    def test_every_picture_is_drawn(self, page):
        browser = page("rich")
        browser.set_script_timeout(60)
        broken = browser.execute_async_script(
            "const done = arguments[0];"
            "Promise.all([...document.querySelectorAll('.pixels')].map((e) => {"
            " const i = new Image(); i.src = e.getAttribute('href');"
            " return i.decode().then(() => i.width === e.width.baseVal.value ? 0 : 1, () => 1);"
            "})).then((all) => done(all.reduce((a, b) => a + b, 0)))"
        )
        assert broken == 0


class TestCases:
    def names(self, browser):
        return run(
            browser,
            "return [...document.querySelectorAll('.case-name')].map((e) => e.innerText)",
        )

    def choose(self, browser, selector, value, event="change"):
        run(
            browser,
            "const e = document.querySelector(arguments[0]); e.value = arguments[1];"
            "e.dispatchEvent(new Event(arguments[2]))",
            selector,
            value,
            event,
        )

    def wait_until(self, browser, meets):
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(browser, 30).until(lambda _: meets(self.names(browser)))

    def test_failing_first_the_rest_folded(self, page):
        browser = page("sample")
        failing = self.names(browser)
        assert len(failing) == 10
        assert not run(browser, "return document.getElementById('cases-rest').open")
        element(browser, "#cases-rest summary").click()
        # The page fills the folded part after the click, at a time of its own.
        self.wait_until(browser, lambda names: len(names) > len(failing))
        assert self.names(browser)[: len(failing)] == failing

    def test_by_text(self, page):
        browser = page("sample")
        wanted = [name for name in self.names(browser) if "coffee" in name]
        assert wanted
        self.choose(browser, "#filter-text", "COFFEE train", "input")
        self.wait_until(browser, lambda names: set(names) == set(wanted))

    def test_by_verdict(self, page):
        browser = page("sample")
        self.choose(browser, "#filter-verdict", "3")
        assert self.names(browser) == []
        sample = json.loads(Path("reports/sample/report.json").read_text("utf-8"))
        cases, failed = sample["cases_total"], sample["cases_failed"]
        told = f"{cases - failed} of {cases} cases, 0 of them"
        assert told in element(browser, "#filter-count").text

    def test_by_step(self, page):
        browser = page("sample")
        loss = run(
            browser,
            "return [...document.querySelectorAll('#filter-step option')]"
            ".find((e) => e.text === 'train / loss').value",
        )
        self.choose(browser, "#filter-step", loss)
        assert len(self.names(browser)) == 2

    def test_hostile_text_is_found_as_text(self, page):
        browser = page("hostile")
        self.choose(browser, "#filter-text", "<script>window.pwned=1</script>", "input")
        assert "11 of 11 cases" in element(browser, "#filter-count").text


@pytest.mark.parametrize("name", [*NAMES, "explained", "explained-hostile"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(page, name, width):
    browser = page(name, width=width)
    assert run(browser, "return document.documentElement.scrollWidth") <= width


class TestTheChecksThemselves:
    """What the fixture above asks for would fail if it were not so."""

    def opened(self, browser, path):
        browser.get_log("browser")
        browser.get_log("performance")
        browser.get(path.as_uri())
        return browser

    def test_a_script_that_got_in_would_not_run(self, browser, pages, tmp_path):
        text = pages["rich"].read_text("utf-8")
        smuggled = '<script>window.pwned=1</script><p style="color:red">x</p>'
        path = tmp_path / "page.html"
        path.write_text(text.replace("</main>", f"{smuggled}</main>"), "utf-8")
        self.opened(browser, path)
        assert run(browser, "return window.pwned") is None
        messages = [entry["message"] for entry in browser.get_log("browser")]
        assert len(messages) == 2
        assert all("Content Security Policy" in message for message in messages)

    def test_a_request_is_seen(self, browser, tmp_path):
        path = tmp_path / "page.html"
        path.write_text('<img src="other.png">', "utf-8")
        self.opened(browser, path)
        assert [url.rpartition("/")[2] for url in requests(browser)] == ["other.png"]
