"""Takes the pictures of the README from a finished demo: ``make demo screenshots``.

Needs Chromium. Servers listen on loopback and are ended when their picture is taken.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SIZE = {"width": 1500, "height": 1000}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 180
"""Seconds that a server may take to answer."""
SETTLED = 4000
"""Milliseconds in which a page draws what it has loaded."""


def take_all() -> None:
    """Take the pictures of report, lineage and runs."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        sys.exit(f"screenshots need one of {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        report = ROOT / "data/08_reporting/demo/report.html"
        _take(browser, report.as_uri(), "report.png", width=1080, height=1300)
        viz = ["kedro", "viz", "run", "--host", "127.0.0.1", "--include-hooks", "--no-browser", "--port"]
        with _served(viz) as address:
            _take(browser, address, "kedro-viz.png")
        store = f"sqlite:///{ROOT}/mlruns/mlflow.db"
        runs = ["mlflow", "ui", "--host", "127.0.0.1", "--workers", "1", "--backend-store-uri", store, "--port"]
        with _served(runs) as address:
            _take(browser, f"{address}/#/experiments/1", "mlflow.png", height=760)
        browser.close()


def _take(browser: Browser, address: str, name: str, **size: int) -> None:
    page = browser.new_page(viewport={**SIZE, **size})
    page.goto(address, wait_until="load")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(SETTLED)
    page.screenshot(path=IMAGES / name)
    page.close()


@contextmanager
def _served(command: list[str]) -> Iterator[str]:
    """Run a server on a free port, and yield its address when it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    program = str(Path(sys.executable).with_name(command[0]))
    arguments = [program, *command[1:], str(port)]
    running = subprocess.Popen(arguments, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, running)
        yield address
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait(timeout=30)


def _wait(address: str, running: subprocess.Popen) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE:
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except OSError:
            if running.poll() is not None:
                sys.exit(f"{running.args} ended before it answered")
            time.sleep(0.5)
        else:
            return
    sys.exit(f"{running.args} did not answer within {PATIENCE} s")


if __name__ == "__main__":
    take_all()
