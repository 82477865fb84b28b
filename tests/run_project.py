"""Runs pipelines of a project folder in a process of its own: ``run_project.py <folder> <pipelines> [<options>]``.

Options, as JSON, are ``params``, ``namespaces`` and ``env``. A command line does not accept linked sources,
which test projects have.
"""

import json
import os
import sys
from pathlib import Path

from kedro.framework.project import configure_project
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

if __name__ == "__main__":
    project, pipelines = Path(sys.argv[1]), sys.argv[2].split(",")
    options = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}
    os.chdir(project)
    bootstrap_project(Path(__file__).resolve().parents[1])
    configure_project("fakefocus")
    with KedroSession.create(
        project_path=project, env=options.get("env", "test"), runtime_params=options.get("params", {})
    ) as session:
        session.run(pipeline_names=pipelines, namespaces=options.get("namespaces"))
