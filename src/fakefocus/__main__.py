"""``python -m fakefocus``: the same as ``kedro run`` in the project."""

import sys
from pathlib import Path

from fakefocus.errors import InputError, needs_extra


def main() -> None:
    """Run the project's run command with the arguments given."""
    try:
        with needs_extra("train", "python -m fakefocus"):
            from kedro.framework.cli.utils import find_run_command
            from kedro.framework.project import configure_project
    except InputError as error:
        sys.exit(f"Error: {error}")
    package = Path(__file__).parent.name
    configure_project(package)
    find_run_command(package)(args=sys.argv[1:], standalone_mode=True)


if __name__ == "__main__":
    main()
