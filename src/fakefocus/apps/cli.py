"""The command ``fakefocus``: one answer from a file, and what is needed for it."""

from typing import Any

import click

from fakefocus import __version__

_EPILOG = "Verdicts are no proof, and nobody should be judged by one: see the cards (fakefocus models)."


class _Commands(click.Group):
    """Commands whose modules are imported when they are called: help and completion answer at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from importlib import import_module

        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"fakefocus.apps.{_COMMANDS[cmd_name]}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:  # noqa: ANN401 (click's)
        from fakefocus.errors import did_you_mean

        if args[0] in _COMMANDS:
            return super().resolve_command(ctx, args)
        near = did_you_mean(args[0], _COMMANDS) or f": there are {', '.join(_COMMANDS)}"
        msg = f"no command {args[0]!r}{near}"
        raise click.UsageError(msg, ctx)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 (whatever a command returns)
        from fakefocus.errors import InputError, needs_extra

        try:
            try:
                return super().invoke(ctx)
            except ModuleNotFoundError as error:
                name = str(ctx.invoked_subcommand)
                with needs_extra(_EXTRAS.get(name, "train"), f"fakefocus {name}"):
                    raise error from None
        except InputError as error:
            raise click.UsageError(str(error), self._of_command(ctx)) from error

    def _of_command(self, ctx: click.Context) -> click.Context:
        """Return where an error shows usage and help of: the command that was called."""
        name = str(ctx.invoked_subcommand)
        command = self.get_command(ctx, name)
        return ctx if command is None else click.Context(command, info_name=name, parent=ctx)


_COMMANDS = {name: name for name in ("predict", "app", "models", "export", "serve", "doctor")}
"""The modules of this package by the command that each holds."""
_EXTRAS = {"app": "app", "serve": "serve", "export": "export"}
"""What a command needs beyond an answer in words; of the others a detector that MLflow tracks needs ``train``."""
_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=_Commands, epilog=_EPILOG, context_settings=_SETTINGS)
@click.version_option(__version__, message="fakefocus %(version)s")
def fakefocus() -> None:
    """Deepfake detectors: say of clips and images whether a face in them looks manipulated.

    Everything runs on this computer; nothing is sent anywhere.

    \b
      fakefocus predict clip.mp4
      fakefocus predict folder/ --output results.csv
    """


def main() -> None:
    """Run the command with the arguments of this process."""
    fakefocus(prog_name="fakefocus")
