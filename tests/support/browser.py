"""Headless Chromium for the tests of pages; ``python tests/support/browser.py`` installs it where possible.

Chromium and its driver come from the packages ``chromium`` and ``chromium-driver`` of Debian, or from the search path;
Selenium is in the extra ``test``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

_PACKAGES = ("chromium", "chromium-driver")


def found() -> tuple[str | None, str | None]:
    """Return where Chromium and its driver are."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    return browser, shutil.which("chromedriver")


def why_not() -> str | None:
    """Return why pages cannot be tested in a browser here, ``None`` if they can."""
    if find_spec("selenium") is None:
        return "Selenium is not installed: pip install 'brainsim[test]'"
    if None in found():
        return (
            "there is no Chromium with chromedriver: python tests/support/browser.py installs them on Debian, as root"
        )
    return None


@contextmanager
def chromium(width: int = 1200, height: int = 1000, *, dark: bool = False, webgl: bool = False) -> Iterator[Chrome]:
    """Yield a browser with a window of a size, and with a preference for light or dark pages.

    Without ``webgl`` the browser has no GPU, and Bokeh draws on a plain canvas; with it, the browser emulates a GPU,
    which takes more than ten times as long.
    """
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    browser, driver = found()
    options = ChromeOptions()
    options.binary_location = str(browser)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        arguments = ["headless=new", "no-first-run", "disable-quic", "disable-background-networking", "disable-sync"]
        arguments += ["disable-component-update", "hide-scrollbars", f"user-data-dir={profile}"]
        arguments += (
            ["use-angle=swiftshader", "enable-unsafe-swiftshader"] if webgl else ["disable-gpu", "disable-3d-apis"]
        )
        arguments += ["no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        for argument in arguments:
            options.add_argument(f"--{argument}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        started = Chrome(options=options, service=Service(str(driver)))
        try:
            scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
            started.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
            resize(started, width, height)
            yield started
        finally:
            started.quit()


def resize(browser: Chrome, width: int, height: int) -> None:
    """Give a page a size in CSS pixels; each of them is a pixel of the screen."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def complaints(browser: Chrome) -> list[str]:
    """Return the messages of the console, without those of level INFO, which Bokeh writes."""
    entries: list[dict[str, Any]] = browser.get_log("browser")
    return [each["message"] for each in entries if each["level"] != "INFO"]


def main() -> None:
    """Install Chromium with Debian's tools, if it is missing; tests are skipped where this fails."""
    if None in found() and shutil.which("apt-get"):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", *_PACKAGES]):
            subprocess.run(command, check=False, **quiet)  # type: ignore[call-overload]
    print(why_not() or "Chromium: " + ", ".join(map(str, found())), file=sys.stderr)


if __name__ == "__main__":
    main()
