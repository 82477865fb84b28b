import json
from pathlib import Path

from fakefocus.datasets.text_files import TextFiles


def test_texts_lie_in_a_file_each_and_show_how_they_begin(tmp_path: Path) -> None:
    texts = TextFiles(path=str(tmp_path / "cards"))
    texts.save({"a.md": "# A\n" + "x" * 5000, "b.csv": "1,2"})
    assert (tmp_path / "cards/a.md").read_text().startswith("# A\n")
    shown = json.loads(texts.preview())
    assert list(shown) == ["a.md", "b.csv"]
    assert shown["b.csv"] == "1,2"
    assert len(shown["a.md"]) < 1000


def test_texts_of_before_do_not_stay_beside_those_of_now(tmp_path: Path) -> None:
    texts = TextFiles(path=str(tmp_path / "cards"))
    texts.save({"gone.md": "a detector that is no more", "a.md": "before"})
    texts.save({"a.md": "now"})
    assert {file.name: file.read_text() for file in (tmp_path / "cards").iterdir()} == {"a.md": "now"}
