"""The page that a visitor sees: a file comes in, answers go out."""

from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from fakefocus.apps.web import parts
from fakefocus.apps.web.asking import Asked, Progress, Settings, ask_all, close_detectors, open_detectors
from fakefocus.apps.web.charts import over_time
from fakefocus.prediction.answer_page import Shown, answer_page
from fakefocus.prediction.boxes import find_person
from fakefocus.prediction.result import Media, Options, Prediction
from fakefocus.prediction.words import provenance_in_words
from fakefocus.prediction.writing import as_json
from fakefocus.sources.demo.examples import write_example

_EXAMPLES = {"A clip as recorded": None, "The same with another face": "GraphicsSwap"}
_ABOUT = "A verdict is no proof, and nobody should be judged by one."
_HEAT = """
Which places raise the score, relative to the hottest one (Grad-CAM++). It shows where a network looks, not what was
manipulated. A defocus map says how blurred each place is: dark is sharp.
"""


@st.cache_resource(show_spinner=False, on_release=close_detectors)
def _detectors(settings: str) -> dict[str, Asked]:
    return open_detectors(Settings.model_validate_json(settings))


@st.cache_resource(show_spinner="Making the clip …")
def _example(method: str | None) -> bytes:
    with TemporaryDirectory(prefix="fakefocus-app-") as folder:
        file = Path(folder) / "example.mp4"
        write_example(file, method)
        return file.read_bytes()


def main(settings: str) -> None:
    """Show the page to one visitor."""
    limits = Settings.model_validate_json(settings)
    st.set_page_config(page_title="fakefocus", page_icon=parts.icon(), layout="wide")
    st.html(parts.STYLE)
    st.title("Is this face manipulated?", anchor=False)
    st.markdown(
        "Detectors look at the faces of a clip or an image and say what they see. Everything runs on this computer; "
        f"a file is forgotten when this page is closed. **{_ABOUT}**"
    )
    asked, name, content = _question(limits)
    options = _options()
    # these get ready while a file is chosen
    detectors = _detectors(settings)
    if content is None:
        return
    key = f"{asked} {options.model_dump_json()}"
    if st.session_state.get("key") != key:
        st.session_state.pop("key", None)
        st.session_state.shown = _ask(content, name, options, detectors)
        st.session_state.key = key
    _show(st.session_state.shown, key)


def _question(limits: Settings) -> tuple[str, str, bytes | None]:
    """Return which file is asked about, an upload or an example: what tells it from others, its name, its content."""
    uploaded = st.file_uploader(
        f"Drop a clip or an image here: up to {limits.most_megabytes} MB and {limits.most_seconds / 60:.3g} minutes",
        max_upload_size=limits.most_megabytes,
        on_change=_forget_example,
    )
    st.pills(
        "Or try one that is drawn by the computer",
        list(_EXAMPLES),
        key="example",
        help="Nobody is shown: a face of two mixed portraits in a scene. No detector was trained on these.",
    )
    example = st.session_state.get("example")
    if example is not None:
        return example, f"{example}.mp4", _example(_EXAMPLES[example])
    return (uploaded.file_id, uploaded.name, uploaded.getvalue()) if uploaded is not None else ("", "", None)


def _forget_example() -> None:
    st.session_state.example = None


def _options() -> Options:
    with st.expander("How the file is looked at"), st.form("options", border=False):
        usual = Options()
        every = st.number_input("Each n-th frame of a clip", 1, 1000, usual.every)
        most = st.number_input("At most so many of them", 1, 1000, usual.max_frames)
        only_main = st.checkbox("Look at the person alone whom the clip shows most")
        st.form_submit_button("Look again")
    return Options(every=int(every), max_frames=int(most), faces="main" if only_main else "all")


def _ask(content: bytes, name: str, options: Options, detectors: dict[str, Asked]) -> list[Shown]:
    bar = st.progress(0.0, "Waiting for its turn …")
    try:
        for state in ask_all(content, name, options, detectors):
            if not isinstance(state, Progress):
                return state
            # each call is also where Streamlit ends this for a visitor who has left
            bar.progress(0.95 * (state.share or 0.0), _doing(state))
    finally:
        bar.empty()
    return []


def _doing(state: Progress) -> str:
    if state.share is None:
        return "Waiting for its turn …"
    return "Looking for faces …" if state.share < 1 else "Scoring and drawing …"


def _show(shown: list[Shown], key: str) -> None:
    first = next((one.answer for one in shown if one.answer.media is not None), shown[0].answer)
    st.divider()
    st.html(parts.file_name(first.file))
    if first.media is not None:
        st.caption(_about(first.media))
    for column, one in zip(st.columns(len(shown)), shown, strict=True):
        with column, st.container(border=True):
            st.html(parts.verdict(one))
            if one.answer.score is not None:
                with st.expander("How often it is wrong"):
                    st.markdown("\n".join(f"- {sentence}" for sentence in one.rates))
    verdicts = {one.answer.verdict for one in shown if one.answer.score is not None}
    if len(verdicts) > 1:
        st.info("The detectors do not agree. The one whose card promises fewer errors may still be the one that errs.")
    if any(one.answer.status == "failed" for one in shown) and st.button("Ask again"):
        st.session_state.pop("key")
        st.rerun()
    if any(one.explanation is not None for one in shown):
        _show_evidence(shown, key)
    elif any(one.answer.status == "scored" for one in shown):
        st.caption("What was seen could not be drawn.")
    if first.media is not None:
        _show_provenance(first)
    _show_downloads(shown)


def _about(media: Media) -> str:
    size = f"{media.width} x {media.height}, {media.bytes / 1e6:.1f} MB, {media.codec}"
    return f"{size}, {media.seconds:.1f} s at {media.rate:.3g} frames a second" if media.kind == "video" else size


def _show_evidence(shown: list[Shown], key: str) -> None:
    st.subheader("What was seen", anchor=False)
    explained = [one for one in shown if one.explanation is not None]
    # numbers are those of the first detector
    numbered = explained[0].answer
    people = list(explained[0].explanation.people) if explained[0].explanation else []
    scene, choice = st.columns([3, 2])
    scene.html(parts.scene(explained[0]))
    with choice:
        number = people[0]
        if len(people) > 1:
            number = st.selectbox("Person", people, format_func=lambda n: f"person {n}", key=f"person {key}")
        opacity = st.slider("Opacity of the heat map, per cent", 0, 100, 45, 5, help=_HEAT)
    for column, one in zip(st.columns(len(explained)), explained, strict=True):
        person = find_person(one.answer, next(p for p in numbered.people if p.person == number))
        with column:
            st.markdown(f"**{one.answer.model.title}**")
            if person is None or one.explanation is None or person.person not in one.explanation.people:
                st.caption("This person is not among those whom it looks at first.")
                continue
            count = len(person.faces)
            st.caption(f"{person.verdict}, {person.score:.3f} over {count} face{'s' if count > 1 else ''}")
            for warned in person.warnings:
                st.caption(f":material/warning: {warned.text}")
            st.html(parts.faces(one.explanation.people[person.person], opacity / 100))
            if count > 1:
                st.altair_chart(over_time(person, one.answer.model.limits))


def _show_provenance(answer: Prediction) -> None:
    st.subheader("Where the file says it is from", anchor=False)
    st.text(f"{provenance_in_words(answer.provenance)}. This is no part of any score.")


def _show_downloads(shown: list[Shown]) -> None:
    stem = Path(shown[0].answer.file).stem or "answer"
    page, data = st.columns(2)
    page.download_button(
        "Save as a page (HTML)",
        lambda: answer_page(shown),
        f"{stem}.html",
        "text/html",
        on_click="ignore",
        width="stretch",
    )
    data.download_button(
        "Save as data (JSON)",
        lambda: as_json([one.answer for one in shown]),
        f"{stem}.json",
        "application/json",
        on_click="ignore",
        width="stretch",
    )
