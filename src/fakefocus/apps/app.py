"""``fakefocus app``."""

import signal
import subprocess
import sys
from importlib.util import find_spec

import click

from fakefocus.apps.options import MODEL

_MODELS = ("lite", "scade_net")
_HOST = "127.0.0.1"


@click.command(name="app", short_help="Answer in a browser, on this computer alone.")
@click.option(
    "--model",
    "models",
    type=MODEL,
    multiple=True,
    help="Who answers, side by side; several times.  [default: lite and scade_net, which come with fakefocus]",
)
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True)
@click.option("--most-megabytes", type=click.IntRange(1, 2000), default=200, show_default=True, help="Largest upload.")
@click.option("--most-seconds", type=click.IntRange(1), default=600, show_default=True, help="Longest clip.")
@click.option("--open", "opens", is_flag=True, help="Open it in a browser.")
def command(models: tuple[str, ...], port: int, most_megabytes: int, most_seconds: int, *, opens: bool) -> None:
    """Answer in a browser, on this computer alone: drop a clip or an image, and see what was seen.

    \b
      fakefocus app
      fakefocus app --model data/06_models/demo/scade_net --model lite --port 8502
    """
    from fakefocus.apps.web.asking import Settings
    from fakefocus.prediction.detectors import find_detector

    settings = Settings(models=models or _MODELS, most_megabytes=most_megabytes, most_seconds=most_seconds)
    for model in settings.models:
        find_detector(model)
    page = find_spec("fakefocus.apps.web.page")
    if page is None or page.origin is None:
        msg = "fakefocus.apps.web.page is missing: install fakefocus again"
        raise click.ClickException(msg)
    server = [sys.executable, "-P", "-m", "streamlit", "run", page.origin]
    server += [f"--{name}={value}" for name, value in _options(port, most_megabytes, opens=opens)]
    click.echo(f"fakefocus will answer on http://{_HOST}:{port}; Ctrl-C ends it", err=True)
    # a service manager's way to end it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    running = subprocess.Popen([*server, "--", settings.model_dump_json()])
    try:
        code = running.wait()
    except (KeyboardInterrupt, SystemExit):
        running.terminate()
        code = running.wait()
    # a signal is no success
    click.get_current_context().exit(code if code >= 0 else 128 - code)


def _options(port: int, most_megabytes: int, *, opens: bool) -> list[tuple[str, str | float]]:
    """Return how Streamlit serves: this computer alone, no telemetry, no traces of errors, nothing to deploy."""
    return [
        ("server.address", _HOST),
        ("server.port", port),
        ("server.headless", str(not opens).lower()),
        ("server.allowedHosts", _HOST),
        ("server.allowedHosts", "localhost"),
        ("server.maxUploadSize", most_megabytes),
        ("server.enableXsrfProtection", "true"),
        ("server.enableCORS", "true"),
        ("server.enableStaticServing", "false"),
        ("server.fileWatcherType", "none"),
        ("browser.gatherUsageStats", "false"),
        ("client.showErrorDetails", "none"),
        ("client.toolbarMode", "minimal"),
        ("theme.light.primaryColor", "#0b6e99"),
        ("theme.dark.primaryColor", "#4db6dd"),
        # Streamlit may believe that a browser has kept what it has not, where a visitor asks anew in the middle
        ("global.minCachedMessageSize", 1e12),
        ("logger.level", "warning"),
        ("logger.hideWelcomeMessage", "true"),
    ]
