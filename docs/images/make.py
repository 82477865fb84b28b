"""Takes the pictures of the documentation, after ``make demo``: ``.venv/bin/python docs/images/make.py``.

Each server is started on a free port of loopback and stopped again. A picture that cannot be taken is named, and the
others are taken all the same.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Error, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PATIENCE = 90
REPORT = ROOT / "data/08_reporting/demo/report.html"


@contextmanager
def served(command: list[str]) -> Iterator[str]:
    """Start a server with ``--port`` and yield its address once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    running = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", port],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, running)
        yield address
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait(20)


def _wait(address: str, running: subprocess.Popen[bytes]) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE:
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            if running.poll() is not None:
                break
            time.sleep(0.5)
    msg = f"{running.args!r}: did not answer within {PATIENCE} s"
    raise TimeoutError(msg)


def lineage(page: Page, target: Path) -> None:
    """Show the lineage with its stages folded."""
    with served([str(BIN / "kedro"), "viz", "run", "--pipeline", "lineage", "--include-hooks", "--no-browser"]) as url:
        page.goto(url, wait_until="domcontentloaded")
        page.locator(".pipeline-node").first.wait_for()
        page.wait_for_timeout(3000)
        for name in ("Dismiss", "Close"):
            _click_if_there(page, name)
        page.keyboard.press("Escape")
        page.add_style_tag(content="[class*='feature-hints'] { display: none !important; }")
        page.wait_for_timeout(1000)
        page.screenshot(path=target)


def runs(page: Page, target: Path) -> None:
    """Show the runs in MLflow, with those of detectors below the run of all."""
    store = f"sqlite:///{ROOT}/mlruns/mlflow.db"
    with served([str(BIN / "mlflow"), "ui", "--workers", "1", "--backend-store-uri", store]) as url:
        page.goto(f"{url}/#/experiments/1/runs?workflowType=machine_learning", wait_until="domcontentloaded")
        page.get_by_text("demo").first.wait_for()
        page.wait_for_timeout(2000)
        _click_if_there(page, "Close")
        page.screenshot(path=target)


def report(page: Page, target: Path) -> None:
    """Show the first words of the report."""
    page.goto(REPORT.as_uri())
    page.wait_for_function("[...document.images].every(image => image.complete)")
    page.screenshot(path=target)


def _click_if_there(page: Page, name: str) -> None:
    """Click what hides the page, where it is shown."""
    button = page.get_by_role("button", name=name, exact=True)
    if button.count():
        button.first.click(timeout=3000, force=True)


PICTURES: dict[str, Callable[[Page, Path], None]] = {"kedro-viz": lineage, "mlflow": runs, "report": report}


def main() -> None:
    """Take all pictures, or those that are named."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    chosen = sys.argv[1:] or list(PICTURES)
    failed = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name in chosen:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(15_000)
            try:
                PICTURES[name](page, ROOT / f"docs/images/{name}.png")
            except (Error, OSError, subprocess.SubprocessError) as error:
                failed.append(f"{name}: {error}")
            page.close()
        browser.close()
    if failed:
        sys.exit("\n".join(failed))


if __name__ == "__main__":
    main()
