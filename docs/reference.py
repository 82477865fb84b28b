"""Writes the reference pages from the code when the documentation is built: a hook of MkDocs."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import yaml
from mkdocs.structure.files import File, Files
from pydantic import BaseModel

ROOT = Path(__file__).resolve().parents[1]
CODE = {
    "One answer from a file": ("prediction", "prediction.predictor", "prediction.result", "prediction.detectors"),
    "Detectors": ("models", "models.family", "models.contract", "models.overlap", "models.fitting", "inference"),
    "Pixels": (
        *("imaging.frames", "imaging.media", "imaging.pictures", "imaging.packets"),
        *("imaging.alignment", "imaging.defocus", "imaging.gradient_ratio", "imaging.blending"),
    ),
    "Changes of pixels": ("imaging.perturbations", "imaging.benign"),
    "Metrics": ("metrics.scores", "metrics.weighted", "metrics.intervals", "metrics.comparison", "metrics.calibration"),
    "What others add": ("extensions", "sources.layout", "sources.rows", "metrics.extended"),
    "Explanations": ("explain.heat", "explain.faithfulness"),
    "Errors": ("errors",),
}
"""Modules whose docstrings are the reference, by heading."""
TABLES = ("VIDEO", "FACE", "REJECTED", "SPLIT", "SAMPLE", "SCORE", "TRACK_SCORE", "VIDEO_SCORE")
SHOWN_AS = {"SCORE": "face_scores", "TRACK_SCORE": "track_scores", "VIDEO_SCORE": "video_scores"}


def on_files(files: Files, config: Any) -> Files:  # noqa: ANN401 (mkdocs' own)
    """Add the pages."""
    os.chdir(ROOT)
    for name, text in pages():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def pages() -> Iterator[tuple[str, str]]:
    """Yield each page: its name, and Markdown."""
    yield "parameters", parameters()
    yield "pipelines", pipelines()
    yield "catalog", catalog()
    yield "tables", tables()
    yield "commands", commands()
    yield "schemas", schemas()
    yield "code", code()


def parameters() -> str:
    """Describe each group of parameters by the models that check it."""
    from fakefocus.models import families
    from fakefocus.parameters import Group, Parameters, Training

    recipe = _yaml("conf/recipes/demo.yml")
    base = {**_all_yaml("parameters"), **recipe}
    parts = [
        "# Parameters\n\nWhat `--params=<group>.<name>=…` and files of an environment may set; anything else stops the "
        "run before the first node. «Base» is what `conf/base` and the demo's recipe set.\n"
    ]
    single = {}
    for name, field in Parameters.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Group):
            parts += [f"## `{name}`\n", _words(field.annotation), *_rows(field.annotation, base.get(name, {}))]
        else:
            single[name] = field
    parts += ["## Of a run\n", "| name | type |", "|---|---|"]
    parts += [f"| `{name}` | {_type(field.annotation)} |" for name, field in single.items()]
    parts += ["\n## `<family>.training`\n", _words(Training), *_rows(Training, {})]
    for name, family in families().items():
        for group, model in (("network", family.network_options), ("loss", family.loss_options)):
            parts += [f"## `{name}.{group}`\n", _words(model), *_rows(model, recipe.get(name, {}).get(group, {}))]
    return "\n".join(parts) + "\n"


def _rows(model: type[BaseModel], base: Mapping[str, Any], prefix: str = "") -> list[str]:
    head = [] if prefix else ["| name | type | default | base |", "|---|---|---|---|"]
    rows = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        value = base.get(name) if isinstance(base, Mapping) else None
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            rows += _rows(inner, value or {}, f"{prefix}{name}.")
            continue
        rule = ", ".join(filter(None, map(_rule, field.metadata)))
        default = "needed" if field.is_required() else f"`{field.get_default(call_default_factory=True)}`"
        kind = _type(inner) + (f"; {_cell(rule)}" if rule else "")
        rows.append(
            f"| `{prefix}{name}` | {kind} | {_cell(default)} | {'' if value is None else _cell(f'`{value}`')} |"
        )
    return [*head, *rows, *([] if prefix else [""])]


def _rule(rule: Any) -> str:  # noqa: ANN401 (what annotated_types has)
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "min_length": "length ≥", "max_length": "length ≤"}
    return ", ".join(f"{sign} {getattr(rule, name)}" for name, sign in signs.items() if hasattr(rule, name))


def _type(annotation: Any) -> str:  # noqa: ANN401 (any type)
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    for gone in ("typing.", "pathlib.", "fakefocus.parameters.", "annotated_types."):
        text = text.replace(gone, "")
    return f"`{text.replace(' | ', ' or ')}`"


def pipelines() -> str:
    """List the registered pipelines: their nodes, what they read and write."""
    from fakefocus.pipeline_registry import register_pipelines

    registered = register_pipelines()
    parts = [
        "# Pipelines\n\n`kedro run --pipelines=<name>`; several with commas. Baselines and seeds hold all detectors.\n"
    ]
    parts += ["| name | nodes | free inputs |", "|---|---|---|"]
    for name, pipeline in sorted(registered.items()):
        inputs = sorted(i for i in pipeline.inputs() if not i.startswith(("params:", "parameters")))
        shown = ", ".join(f"`{one}`" for one in inputs[:6]) + (
            f" and {len(inputs) - 6} more" if len(inputs) > 6 else ""
        )
        parts.append(f"| `{name}` | {len(pipeline.nodes)} | {shown} |")
    parts += ["\n## Nodes of the default lineage\n", "| node | reads | writes | does |", "|---|---|---|---|"]
    for node in registered["__default__"].nodes:
        does = (node.func.__doc__ or "").strip().splitlines()[0]
        reads, writes = (", ".join(f"`{one}`" for one in names) for names in (node.inputs, node.outputs))
        parts.append(f"| `{node.name}` | {reads} | {writes} | {_cell(does)} |")
    return "\n".join(parts) + "\n"


def catalog() -> str:
    """List the entries of the catalog."""
    parts = ["# Catalog\n\nWhat nodes read and write, from `conf/base/catalog_*.yml`; `{…}` stands for a name.\n"]
    for file in sorted((ROOT / "conf/base").glob("catalog_*.yml")):
        parts += [f"## {file.stem.removeprefix('catalog_').replace('_', ' ').capitalize()}\n"]
        parts += ["| entry | layer | type | place |", "|---|---|---|---|"]
        for name, entry in _yaml(file.relative_to(ROOT).as_posix()).items():
            if not name.startswith("_"):
                layer = ((entry.get("metadata") or {}).get("kedro-viz") or {}).get("layer", "")
                place = entry.get("filepath") or entry.get("path") or ""
                parts.append(f"| `{name}` | {layer} | `{entry.get('type', '')}` | {f'`{place}`' if place else ''} |")
        parts.append("")
    return "\n".join(parts)


def tables() -> str:
    """List the columns of the tables, and the keys of a summary, from the schemas that check them."""
    from fakefocus import schemas

    parts = ["# Tables\n\nColumns in order; each table is checked when it is written and read (`fakefocus.schemas`).\n"]
    for name in TABLES:
        title = SHOWN_AS.get(name, name.lower())
        columns = getattr(schemas, f"{name}_COLUMNS")
        kinds = columns if isinstance(columns, Mapping) else {}
        parts += [f"## {title}\n"]
        check = getattr(schemas, title, None) or getattr(schemas, f"{title}s", None)
        parts += [*([_words(check)] if check is not None else []), "| column |" + (" type |" if kinds else "")]
        parts += ["|---|" + ("---|" if kinds else "")]
        parts += [f"| `{column}` |" + (f" `{kinds[column]}` |" if kinds else "") for column in columns]
        parts.append("")
    parts += ["## summary.json\n", ", ".join(f"`{key}`" for key in sorted(schemas.SUMMARY_KEYS)) + "."]
    return "\n".join(parts) + "\n"


def commands() -> str:
    """Show the help of each command."""
    from fakefocus.apps.cli import fakefocus as group

    parts = ["# Commands\n\n`fakefocus` answers of files, `kedro run` runs [pipelines](pipelines.md).\n"]
    context = click.Context(group, info_name="fakefocus", max_content_width=100)
    parts += ["## fakefocus\n", f"```text\n{group.get_help(context)}\n```\n"]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, parent=context, info_name=name, max_content_width=100)
        parts += [f"## fakefocus {name}\n", f"```text\n{command.get_help(inner)}\n```\n"]
    targets = [line for line in (ROOT / "Makefile").read_text().splitlines() if ":  ## " in line or "  ## " in line]
    parts += ["## make\n", "| target | does |", "|---|---|"]
    parts += [f"| `make {line.split(':')[0]}` | {_cell(line.split('## ')[1])} |" for line in targets]
    return "\n".join(parts) + "\n"


def schemas() -> str:
    """Show the published JSON schemas."""
    parts = ["# JSON schemas\n"]
    for file in sorted((ROOT / "docs/schema").glob("*.json")):
        schema = json.loads(file.read_text(encoding="utf-8"))
        parts += [
            f"## {file.name}\n",
            f"[{file.name}](../schema/{file.name}): {schema.get('description', schema.get('title', ''))}\n",
        ]
        parts += [f"```json\n{json.dumps(schema, indent=1)}\n```\n"]
    return "\n".join(parts)


def code() -> str:
    """Name the modules whose docstrings are shown."""
    parts = ["# Code\n\nWhat people call from notebooks; the rooms of the code: [architecture](../architecture.md).\n"]
    for title, modules in CODE.items():
        parts += [f"# {title}\n", *(f"::: fakefocus.{module}\n" for module in modules)]
    return "\n".join(parts)


def _words(documented: Any) -> str:  # noqa: ANN401 (a class or a function)
    paragraphs = (documented.__doc__ or "").split("\n\nRaises:")[0].split("\n\n    Raises:")[0]
    return "\n".join(line.strip() for line in paragraphs.splitlines()).replace("``", "`").strip() + "\n"


def _cell(text: str) -> str:
    return text.replace("``", "`").replace("|", "\\|").replace("\n", " ")


def _yaml(path: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / path).read_text(encoding="utf-8")) or {}
    return content


def _all_yaml(kind: str) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for file in sorted((ROOT / "conf/base").glob(f"{kind}_*.yml")):
        merged |= _yaml(file.relative_to(ROOT).as_posix())
    return merged
