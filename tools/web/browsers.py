"""Starts a headless browser in its own process group, and ends only that group."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["PROGRAMS", "Browser", "running"]

PROGRAMS = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "firefox": ("firefox-esr", "firefox"),
}

_CHROMIUM = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-breakpad",
    "--enable-logging=stderr",
)  # fmt: skip
_FIREFOX_PREFERENCES = {
    "app.normandy.enabled": "false",
    "app.update.enabled": "false",
    "browser.shell.checkDefaultBrowser": "false",
    "browser.startup.homepage_override.mstone": '"ignore"',
    "datareporting.healthreport.uploadEnabled": "false",
    "datareporting.policy.dataSubmissionEnabled": "false",
    "extensions.update.enabled": "false",
    "network.captive-portal-service.enabled": "false",
    "network.connectivity-service.enabled": "false",
    "toolkit.telemetry.enabled": "false",
    "toolkit.telemetry.reportingpolicy.firstRun": "false",
}


class Browser:
    """A running browser, with its output in a file."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, output: Path) -> None:
        self._process = process
        self._folder = folder
        self._output = output

    @property
    def has_ended(self) -> bool:
        """True if the browser ended, which is unexpected."""
        return self._process.poll() is not None

    @property
    def has_crashed(self) -> bool:
        """True if one of its processes crashed and left a dump. The other processes may still run."""
        return any(self._folder.rglob("*.dmp"))

    @property
    def output(self) -> str:
        """The output so far."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def end(self) -> None:
        """End the browser and its child processes."""
        for signum in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signum)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(5)


@contextmanager
def running(name: str, url: str, folder: Path, *further: str) -> Iterator[Browser]:
    """Run a browser on a page, with an empty profile in an empty folder and further arguments."""
    program = next(path for path in map(shutil.which, PROGRAMS[name]) if path is not None)
    profile = folder / "profile"
    profile.mkdir()
    arguments = _chromium(profile) if name == "chromium" else _firefox(profile)
    output = folder / "output.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [program, *arguments, *further, url],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"},
        )
    browser = Browser(process, folder, output)
    try:
        yield browser
    finally:
        browser.end()


def _chromium(profile: Path) -> tuple[str, ...]:
    return (*_CHROMIUM, f"--user-data-dir={profile}")


def _firefox(profile: Path) -> tuple[str, ...]:
    lines = (f'user_pref("{name}", {value});\n' for name, value in _FIREFOX_PREFERENCES.items())
    (profile / "user.js").write_text("".join(lines), encoding="utf-8")
    return "--headless", "--no-remote", "--profile", str(profile)
