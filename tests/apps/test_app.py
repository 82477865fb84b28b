"""The web app, as visitors see it: a real server, a real browser."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
import skimage.data
from playwright.sync_api import Browser, BrowserContext, Page, expect

from browser import open_browser
from fakefocus.prediction import Predictor, find_detector
from fakefocus.sources.demo.corpus import write_clip

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 240
_MILLISECONDS = 1000 * _PATIENCE
MODELS = ("lite", "scade_net")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def server(browser: Browser, temporary: Path) -> Iterator[tuple[subprocess.Popen, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "TMPDIR": str(temporary)}
    code = "from fakefocus.apps.cli import main; main()"
    command = [sys.executable, "-c", code, "app", "--port", str(port), "--most-megabytes", "1", "--most-seconds", "5"]
    log = temporary.parent / "app.log"
    with log.open("w") as output:
        running = subprocess.Popen(command, env=environment, stdout=output, stderr=output, cwd=temporary)
    begun = time.monotonic()
    while time.monotonic() - begun < _PATIENCE:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).close()
            break
        except OSError:
            assert running.poll() is None, log.read_text()
            time.sleep(0.5)
    yield running, port
    running.send_signal(signal.SIGTERM)
    running.wait(timeout=30)


@pytest.fixture
def visitor(browser: Browser, server: tuple[subprocess.Popen, int]) -> Iterator[Page]:
    context = browser.new_context()
    yield _visit(context, server[1])
    context.close()


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("portrait") / "astronaut.png"
    cv2.imwrite(str(path), skimage.data.astronaut()[..., ::-1])
    return path


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clip of five seconds of which every frame takes a while: a large one, with faces everywhere."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    crowd = np.tile(cv2.resize(skimage.data.astronaut()[:256, 96:352], (160, 160)), (6, 10, 1))
    write_clip(path, (np.roll(crowd, 2 * shift, axis=1) for shift in range(125)), crf="30")
    return path


def _visit(context: BrowserContext, port: int) -> Page:
    page = context.new_page()
    page.set_default_timeout(_MILLISECONDS)
    page.goto(f"http://127.0.0.1:{port}/")
    page.get_by_text("Is this face manipulated?").wait_for()
    return page


def _upload(page: Page, path: Path) -> None:
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_role("heading", name=path.name)).to_be_visible(timeout=_MILLISECONDS)
    expect(page.get_by_text("Save as data")).to_be_visible(timeout=_MILLISECONDS)


def _saved(page: Page, label: str, folder: Path) -> str:
    with page.expect_download() as download:
        page.get_by_text(label).click()
    target = folder / download.value.suggested_filename
    download.value.save_as(target)
    return target.read_text(encoding="utf-8")


def test_image_has_the_command_lines_scores_on_the_page_and_in_what_is_saved(
    visitor: Page, portrait: Path, tmp_path: Path
) -> None:
    _upload(visitor, portrait)
    answers = json.loads(_saved(visitor, "Save as data", tmp_path))
    for answer, name in zip(answers, MODELS, strict=True):
        expected = Predictor(find_detector(name))(portrait)
        assert (answer["model"]["name"], answer["file"]) == (name, "astronaut.png")
        assert answer["score"] == expected.score
        expect(visitor.get_by_text(f"▲ {expected.score:.3f}")).to_be_visible()
        # both may say the same
        expect(visitor.get_by_text(expected.says).first).to_be_visible()
    saved = _saved(visitor, "Save as a page", tmp_path)
    assert saved.count("data:image/jpeg;base64,") >= 4
    assert not re.search(r'(src|href)="(?!data:)', saved), "the page needs nothing from elsewhere"
    assert "Its defocus map" in saved


def test_clip_has_maps_heat_maps_of_any_opacity_and_scores_over_time(visitor: Page, face_clip: Path) -> None:
    every = visitor.get_by_label("Each n-th frame of a clip")
    for _ in range(3):  # a click on a page that is just being drawn anew is lost
        if not every.is_visible():
            visitor.get_by_text("How the file is looked at").click()
            visitor.wait_for_timeout(2000)
    every.fill("4")
    every.press("Enter")  # as the button beside it does
    _upload(visitor, face_clip)
    expect(visitor.get_by_alt_text("Its defocus map: dark is sharp").first).to_be_visible()
    expect(visitor.locator("canvas, svg.marks").first).to_be_visible()
    heat = visitor.get_by_alt_text("Its heat map").first
    before = heat.get_attribute("src")
    slider = visitor.get_by_role("slider").first
    slider.press("Home")
    expect(slider).to_have_value("0")
    visitor.wait_for_function("before => document.querySelector('img[alt=\"Its heat map\"]').src != before", arg=before)
    face = visitor.get_by_alt_text("The face at 0.0 seconds").first
    assert visitor.get_by_alt_text("Its heat map").first.get_attribute("src") == face.get_attribute("src")


@pytest.mark.parametrize(("name", "content"), [("text.mp4", b"this is no clip\n" * 40), ("empty.mp4", b"")])
def test_what_is_no_media_gets_a_reason_that_names_no_folder(
    visitor: Page, name: str, content: bytes, tmp_path: Path, temporary: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    _upload(visitor, path)
    expect(visitor.get_by_text("Cannot be judged").first).to_be_visible()
    assert "fakefocus-app-" not in visitor.content()
    assert str(temporary) not in visitor.content()


def test_what_a_file_is_its_content_says(visitor: Page, portrait: Path, tmp_path: Path) -> None:
    path = tmp_path / "really_a_picture.txt"
    path.write_bytes(portrait.read_bytes())
    _upload(visitor, path)
    expect(visitor.get_by_text("▲").first).to_be_visible()
    answers = json.loads(_saved(visitor, "Save as data", tmp_path))
    assert [(answer["file"], answer["status"]) for answer in answers] == [(path.name, "scored")] * len(MODELS)
    assert {answer["media"]["kind"] for answer in answers} == {"image"}


def test_too_long_a_clip_and_too_large_a_file_are_refused(visitor: Page, face_clip: Path, tmp_path: Path) -> None:
    import av

    path = tmp_path / "long.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for level in range(8):
            frame = av.VideoFrame(64, 64, "rgb24")
            frame.planes[0].update(bytes([level]) * frame.planes[0].buffer_size)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    _upload(visitor, path)
    expect(visitor.get_by_text("up to 5 s are looked at here").first).to_be_visible()
    large = tmp_path / "large.mp4"
    large.write_bytes(face_clip.read_bytes() + bytes(2**21))
    visitor.locator("input[type=file]").set_input_files(large)
    expect(visitor.get_by_text(re.compile("must be 1.*MB or smaller")).first).to_be_visible(timeout=_MILLISECONDS)


def test_two_visitors_at_once_see_their_own_file_alone(
    browser: Browser, server: tuple[subprocess.Popen, int], portrait: Path, face_clip: Path, tmp_path: Path
) -> None:
    contexts = [browser.new_context(), browser.new_context()]
    pages = [_visit(context, server[1]) for context in contexts]
    files = [tmp_path / "of_the_first.png", tmp_path / "of_the_second.mp4"]
    for path, source in zip(files, (portrait, face_clip), strict=True):
        path.write_bytes(source.read_bytes())
    for page, path in zip(pages, files, strict=True):
        page.locator("input[type=file]").set_input_files(path)
    for page, path in zip(pages, files, strict=True):
        expect(page.get_by_role("heading", name=path.name)).to_be_visible(timeout=_MILLISECONDS)
        expect(page.get_by_text("▲").first).to_be_visible(timeout=_MILLISECONDS)
    for page, other in zip(pages, reversed(files), strict=True):
        assert other.stem not in page.content()
    contexts.append(browser.new_context())
    third = _visit(contexts[-1], server[1])
    assert not any(path.stem in third.content() for path in files)
    for context in contexts:
        context.close()


def test_a_process_that_dies_at_a_file_costs_its_answer_and_the_app_lives(
    visitor: Page, server: tuple[subprocess.Popen, int], long_clip: Path, portrait: Path
) -> None:
    # both detectors are ready, and wait
    _upload(visitor, portrait)
    visitor.locator("input[type=file]").set_input_files(long_clip)
    visitor.get_by_text("Looking for faces").first.wait_for()
    assert _kill_workers(server[0])
    expect(visitor.get_by_role("heading", name=long_clip.name)).to_be_visible(timeout=_MILLISECONDS)
    expect(visitor.get_by_text("its decoder brought the process down").first).to_be_visible()
    assert server[0].poll() is None
    _upload(visitor, portrait)
    answers = json.loads(_saved(visitor, "Save as data", long_clip.parent))
    assert [answer["status"] for answer in answers] == ["scored"] * len(MODELS)


def _kill_workers(server: subprocess.Popen) -> int:
    """Kill the processes that look at files, which the fork server has started; return how many those were."""
    killed = 0
    for process in psutil.Process(server.pid).children(recursive=True):
        # one may have ended by itself
        with suppress(psutil.NoSuchProcess):
            if _serves_forks(process) or not _serves_forks(process.parent()):
                continue
            process.kill()
            killed += 1
    return killed


def _serves_forks(process: psutil.Process | None) -> bool:
    """Return whether a process is the one that starts others; those have its words, and are below it."""
    words = "" if process is None else " ".join(process.cmdline())
    above = None if process is None else process.parent()
    return "forkserver" in words and (above is None or "forkserver" not in " ".join(above.cmdline()))


def test_page_asks_no_other_computer_and_fits_a_phone(
    browser: Browser, server: tuple[subprocess.Popen, int], portrait: Path
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = _visit(context, server[1])
    _upload(page, portrait)
    own = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")
    assert not [url for url in asked if not url.startswith(own)]
    width = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert width <= 390, "nothing is beside the screen"
    dark = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    assert sum(map(int, re.findall(r"\d+", dark)[:3])) < 3 * 80
    context.close()


def test_everything_is_reached_by_keyboard(visitor: Page) -> None:
    # the last part of the page: before it is there, others may still be put in front of where the focus is
    visitor.get_by_text("How the file is looked at").wait_for()
    visitor.get_by_text("A clip as recorded").wait_for()
    labels = []
    # twice around, as the page may be put together while the first keys are pressed
    for _ in range(30):
        visitor.keyboard.press("Tab")
        labels.append(visitor.evaluate("document.activeElement.innerText || document.activeElement.ariaLabel || ''"))
    seen = " ".join(labels)
    assert "Upload" in seen
    assert "A clip as recorded" in seen
    assert "How the file is looked at" in seen


def test_only_pages_of_this_computer_may_ask_and_no_file_is_read_by_name(
    server: tuple[subprocess.Popen, int], browser: Browser
) -> None:
    port = server[1]
    for path in (
        "/../../../../etc/passwd",
        "/media/../../etc/passwd",
        "/static/..%2f..%2fetc%2fpasswd",
        "/app/static/",
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            raw.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            assert b"root:" not in b"".join(iter(lambda: raw.recv(65536), b""))
    own = f"127.0.0.1:{port}"
    assert b" 101 " in _upgraded(port, own, f"http://{own}"), "the page itself is answered"
    assert b" 101 " not in _upgraded(port, "evil.example", f"http://{own}")
    assert b" 101 " not in _upgraded(port, own, "http://evil.example")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=2)


def _upgraded(port: int, host: str, origin: str) -> bytes:
    """Return the answer to a page that asks for the connection by which answers come."""
    lines = [
        "GET /_stcore/stream HTTP/1.1",
        f"Host: {host}",
        f"Origin: {origin}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        raw.sendall("\r\n".join([*lines, "", ""]).encode())
        return raw.recv(4096)


def test_work_for_a_visitor_who_leaves_is_ended_and_nothing_is_left(
    browser: Browser, server: tuple[subprocess.Popen, int], long_clip: Path, portrait: Path, temporary: Path
) -> None:
    contexts = [browser.new_context(), browser.new_context()]
    busy, queued = (_visit(context, server[1]) for context in contexts)
    busy.locator("input[type=file]").set_input_files(long_clip)
    busy.get_by_text("Looking for faces").wait_for()
    queued.locator("input[type=file]").set_input_files(portrait)
    queued.get_by_text("Waiting for its turn").wait_for()
    assert len(list(temporary.glob("fakefocus-app-*"))) == 2
    for context in contexts:
        context.close()
    assert _nothing_left(temporary)
    later = browser.new_context()
    third = _visit(later, server[1])
    _upload(third, portrait)
    expect(third.get_by_text("▲").first).to_be_visible(timeout=_MILLISECONDS)
    later.close()


def _nothing_left(temporary: Path) -> bool:
    deadline = time.monotonic() + 60
    while list(temporary.glob("fakefocus-*")) and time.monotonic() < deadline:
        time.sleep(0.2)
    return not list(temporary.glob("fakefocus-*"))


def test_no_upload_is_left_on_disk(visitor: Page, portrait: Path, temporary: Path) -> None:
    _upload(visitor, portrait)
    assert _nothing_left(temporary)
