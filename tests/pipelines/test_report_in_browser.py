"""The report as people open it: wide and narrow, light and dark, with names that would do harm."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page

from browser import open_browser

EVIL = "<img src=x onerror=window.harmed=1>"
SCRIPT = "</script><script>window.harmed=2</script>"
VIEWS = [(1280, 900, "light"), (1280, 900, "dark"), (390, 844, "light"), (390, 844, "dark")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def report(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory, run_kedro: Callable[..., Any]) -> Path:
    """Return the report of a data set in which a video, a rejected file, a method and a section have evil names."""
    folder = tmp_path_factory.mktemp("evil") / "project"
    shutil.copytree(tiny_project, folder, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db"))
    data = folder / "data"
    for file in (data / "07_model_output/tiny").rglob("summary.json"):
        summary = json.loads(file.read_text())
        summary["videos"]["video_id"][0] = EVIL
        summary["videos"]["video_id"][1] = SCRIPT
        metrics = summary["metrics"]["by_method"]
        metrics[EVIL] = metrics[next(iter(metrics))]
        file.write_text(json.dumps(summary))
    rejected = data / "03_primary/tiny/rejected_media.parquet"
    row = {"path": f"{EVIL}.mp4", "stage": "ingestion", "reason": SCRIPT}
    pd.DataFrame([row]).to_parquet(rejected)
    split = json.loads((data / "05_model_input/tiny/splits.json").read_text())
    section = {"title": EVIL, "order": 5, "split_hash": split["hash"], "text": [SCRIPT], "caption": SCRIPT}
    section["tables"] = [{"title": EVIL, "columns": [EVIL], "rows": [[SCRIPT]]}]
    sections = data / "08_reporting/tiny/sections"
    sections.mkdir(exist_ok=True)
    (sections / "tta.json").write_text(json.dumps(section))
    shutil.copy(data / "08_reporting/tiny/figures/roc.png", data / "08_reporting/tiny/figures/tta.png")
    run_kedro(folder, "report")
    return data / "08_reporting/tiny/report.html"


@pytest.fixture
def opened(browser: Browser, report: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Page, list[str]]]:
    width, height, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("request", lambda sent: errors.append(sent.url) if not sent.url.startswith(("file:", "data:")) else None)
    page.goto(report.as_uri())
    yield page, errors
    context.close()


@pytest.mark.parametrize("opened", VIEWS, indirect=True)
def test_page_fits_and_lacks_nothing(opened: tuple[Page, list[str]]) -> None:
    page, errors = opened
    page.wait_for_function("[...document.images].every(image => image.complete)")
    assert page.evaluate("[...document.images].filter(image => !image.naturalWidth).map(image => image.alt)") == []
    assert page.evaluate("document.images.length") >= 9
    page.locator("details.zoom summary").first.click()
    page.locator(".plot .main-svg").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "the page is wider than the screen"
    assert errors == []


@pytest.mark.parametrize("opened", VIEWS[:1], indirect=True)
def test_names_from_data_show_as_text_and_do_nothing(opened: tuple[Page, list[str]]) -> None:
    page, errors = opened
    page.locator("details.zoom summary").first.click()
    page.locator(".plot .main-svg").first.wait_for()
    assert page.evaluate("window.harmed") is None
    body = page.locator("body").inner_text()
    assert f"{EVIL}.mp4" in body
    assert body.count(EVIL) >= 4
    assert SCRIPT in body
    drawn = page.evaluate("document.querySelector('.plot').data.flatMap(trace => trace.text)")
    assert "&lt;img src=x onerror=window.harmed=1&gt;" in drawn
    assert errors == []


@pytest.mark.parametrize("opened", VIEWS[:1], indirect=True)
def test_contents_lead_to_the_parts(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    page.get_by_role("link", name="Provenance").click()
    page.wait_for_function("scrollY > 500")
    assert page.locator("#provenance").is_visible()


@pytest.mark.parametrize("opened", VIEWS[1:2], indirect=True)
def test_dark_is_dark(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    colours = page.evaluate(
        "[document.querySelector('main'), document.querySelector('h1')].map((part, place) =>"
        "getComputedStyle(part)[place ? 'color' : 'backgroundColor'].match(/\\d+/g).slice(0, 3).map(Number))"
    )
    background, ink = (sum(colour) for colour in colours)
    assert background < 150 < 500 < ink
