import pytest

from tests.report.builders import make_pages, poisoned, rich_report


@pytest.fixture(scope="session")
def report():
    return rich_report()


@pytest.fixture(scope="session")
def hostile(report):
    return poisoned(report)


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    return make_pages(tmp_path_factory.mktemp("pages"))
