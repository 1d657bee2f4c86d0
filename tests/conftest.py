"""Only tests that need a GPU may skip, and no test signs with the user's own key."""

import pytest

_SAID = "skipped, but only tests marked `gpu` may: install what is missing"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and not item.get_closest_marker("gpu"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"{_SAID} ({reason})"
    return report


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
