"""Trains SCADE-Net in a project folder, as one of the processes that torchrun starts."""

import os
import sys
from pathlib import Path

from kedro.framework.project import configure_project
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

if __name__ == "__main__":
    project = Path(sys.argv[1])
    os.chdir(project)
    bootstrap_project(Path(__file__).resolve().parents[1])
    configure_project("fakefocus")
    recipe = {"scade_net": {"training": {"devices": 2, "accelerator": "cpu", "epochs": 1}}, "experiment": "tiny"}
    with KedroSession.create(project_path=project, env="test", runtime_params=recipe) as session:
        session.run(pipeline_names=["train"], namespaces=["scade_net"])
