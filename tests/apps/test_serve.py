"""The server: a real process, a real request, the score of the command line."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakefocus.prediction import Options, Predictor, find_detector

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 180


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def server(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen]:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    code = "from fakefocus.apps.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", "--model", "scade_net", "--port", str(port)]
    log = (tmp_path_factory.mktemp("server") / "log").open("w")
    running = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=Path(log.name).parent)
    begun = time.monotonic()
    while time.monotonic() - begun < _PATIENCE:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=2).close()
            break
        except OSError:
            assert running.poll() is None, Path(log.name).read_text()
            time.sleep(0.5)
    yield running
    running.send_signal(signal.SIGTERM)
    running.wait(timeout=30)
    log.close()


def _ask(port: int, rows: list[dict], **params: int) -> list[dict]:
    body = json.dumps({"dataframe_records": rows, "params": params}).encode()
    url = f"http://127.0.0.1:{port}/invocations"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=_PATIENCE) as response:
        # strict: NaN is no JSON
        return json.loads(response.read(), parse_constant=lambda name: pytest.fail(name))["predictions"]


@pytest.mark.usefixtures("server")
def test_a_request_gets_the_score_of_the_command_line(port: int, face_clip: Path) -> None:
    content = base64.b64encode(face_clip.read_bytes()).decode()
    good, bad = _ask(port, [{"content": content}, {"content": "bad"}], every=4)
    assert good["score"] == Predictor(find_detector("scade_net"), Options(every=4))(face_clip).score
    assert (bad["status"], bad["score"]) == ("failed", None)


@pytest.mark.usefixtures("server")
def test_server_listens_on_loopback_alone(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), timeout=2).close()
    # every address that begins with 127 is this computer's: a server on all interfaces would answer here
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=2)


def test_a_request_that_makes_no_sense_is_an_error_and_the_server_lives(
    server: subprocess.Popen, port: int, face_clip: Path
) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations", b"{nonsense", {"Content-Type": "application/json"}
    )
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=_PATIENCE)
    assert error.value.code == 400
    error.value.close()
    assert server.poll() is None
    assert _ask(port, [{"path": str(face_clip)}])[0]["status"] == "failed", "no file of this computer is read by name"
