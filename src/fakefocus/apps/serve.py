"""``fakefocus serve``."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from fakefocus.apps.options import FOLDER, MODEL

_SECONDS = 900
"""Of a request: a clip of 64 MB may take minutes."""
_DEFAULTS: dict[str, str | int] = {"every": 10, "max_frames": 100, "min_face_size": 40, "faces": "all"}


@click.command(name="serve", short_help="Answer over HTTP, on this computer alone.")
@click.option(
    "--model", type=MODEL, help="One that comes with fakefocus, a folder, models:/<name>@<alias>, runs:/<run>/<name>."
)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--media", type=FOLDER, help="Files below may be asked for by path.")
def command(model: str | None, port: int, media: Path | None) -> None:
    """Answer over HTTP, on this computer alone, by MLflow's scoring server.

    POST /invocations takes rows with "content", a file in base64, or "path", below --media; each has its own answer.

    \b
      fakefocus serve --port 8000
      python -c "import base64, json; f = open('clip.mp4', 'rb').read(); \\
          print(json.dumps({'dataframe_records': [{'content': base64.b64encode(f).decode()}]}))" > question.json
      curl http://127.0.0.1:8000/invocations -H 'Content-Type: application/json' --data-binary @question.json
    """
    import mlflow

    from fakefocus.prediction.detectors import find_detector
    from fakefocus.prediction.packaging import model_arguments
    from fakefocus.prediction.served import MEDIA

    detector = find_detector(model)
    # the server's own command is looked for by name
    environment = os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])}
    environment |= {} if media is None else {MEDIA: str(media.resolve())}
    with TemporaryDirectory(prefix="fakefocus-served-") as folder:
        arguments = model_arguments(detector.folder, Path(folder) / "code", _DEFAULTS)
        mlflow.pyfunc.save_model(path=f"{folder}/model", **arguments)
        click.echo(f"{detector.name} will answer on http://127.0.0.1:{port}/invocations; Ctrl-C ends it", err=True)
        server = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", f"{folder}/model"]
        server += ["--env-manager", "local", "--timeout", str(_SECONDS), "--host", "127.0.0.1", "--port", str(port)]
        running = subprocess.Popen(server, env=environment)
        signal.signal(signal.SIGTERM, lambda *_: running.terminate())
        try:
            code = running.wait()
        except KeyboardInterrupt:
            running.terminate()
            code = running.wait()
    click.get_current_context().exit(max(code, 0))
