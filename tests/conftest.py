"""Only tests that need a GPU may skip, and no test signs with the user's own key."""

import os
import shutil
from functools import cache
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("suite", deadline=None)  # how busy a machine is, is no fault
hypothesis.settings.load_profile("suite")
_ROOT = Path(__file__).parent

_SAID = "skipped, but only tests marked `gpu` may: install what is missing"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and not item.get_closest_marker("gpu"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"{_SAID} ({reason})"
    return report


def pytest_collection_modifyitems(items):
    """Begin with what takes longest: the whole life cycle, then all that starts servers."""
    items.sort(key=lambda item: _ORDER.index(_needs(item.path)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Hand out the tests folder by folder, those that start servers apart from the others.

    What tests share, a server or a model, is made once that way, and no worker idles long.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFolder(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            path = config.rootpath / nodeid.partition("::")[0]
            return f"{path.relative_to(_ROOT).parts[0]} ({_needs(path)})"

    return ByFolder(config, log)


_ORDER = ("lifecycle", "server", "neither")


@cache
def _needs(path):
    text = path.read_text()
    return next((name for name in _ORDER if f"mark.{name}" in text), "neither")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"{_SAID} ({reason})"
    return report


@pytest.fixture(scope="session", autouse=True)
def signing_keys(tmp_path_factory):
    """Keys of the tests' own: nothing is written into the user's configuration folder."""
    folder = tmp_path_factory.mktemp("keys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder))
        patch.setenv("A2C_SIGNING_KEY", str(folder / "signing.pem"))
        patch.setenv("A2C_VERIFY_KEY", str(folder / "verify.pem"))
        yield folder


@pytest.fixture(scope="session")
def smol_weights(tmp_path_factory):
    """The weights of the preset `smol`, converted once a session."""
    from any2caption.model.smol.weights import converted

    return converted(tmp_path_factory.mktemp("smol"))


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium, which `requirements/system.sh … test` installs."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "install chromium: requirements/system.sh python3.11 test"
    arguments = ["--no-sandbox"] if os.getuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield started
        started.close()
