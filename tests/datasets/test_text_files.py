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
