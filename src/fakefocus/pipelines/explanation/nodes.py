"""Explains detectors on test faces: where they look, whether that can be trusted, what is inside, what goes wrong."""

import logging
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fakefocus.datasets.stored_video import VideoFolder, made_with
from fakefocus.errors import InputError
from fakefocus.metrics.videos import score_by_track
from fakefocus.models import find_family
from fakefocus.models.contract import read_contract
from fakefocus.models.fitting import check_judged, result_of
from fakefocus.parameters import Defocus, Evaluation, Explanation, Preprocessing
from fakefocus.pipelines.explanation import figures, words
from fakefocus.pipelines.explanation.choosing import middle_faces, records, spread_faces, surest_videos, worst_videos
from fakefocus.pipelines.explanation.truth import masks_in_crops

_log = logging.getLogger(__name__)


def locate_alterations(
    videos: pd.DataFrame,
    samples: pd.DataFrame,
    faces: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    explanation: Explanation,
) -> dict[str, NDArray[Any]]:
    """Return where fakes of the test side were altered, as the masks of their data set have it.

    Returns:
        ``crops`` ``(N,)`` and ``masks`` ``(N, size, size) uint8``, 1 where altered, in the pixels of each crop: the
        middle face of at most ``explanation.faces`` videos that have a mask. Empty where none has.
    """
    fakes = samples[(samples["split"] == "test") & (samples["label"] == 1)]
    with_mask = videos.loc[videos["mask_path"] != "", ["video_id", "mask_path", "width", "height"]]
    chosen = fakes.merge(with_mask, on="video_id")
    if chosen.empty:
        return {"crops": np.array([], dtype=str), "masks": np.empty((0, 0, 0), np.uint8)}
    chosen = middle_faces(chosen, explanation.faces).drop(columns="landmarks")
    boxes = faces.loc[faces["found"], ["video_id", "frame", "track", "x1", "y1", "x2", "y2", "landmarks"]]
    rows = chosen.merge(boxes, on=["video_id", "frame", "track"])
    options = Preprocessing(**made_with(face_crops, rows["folder"], "preprocessing"))
    masks = masks_in_crops(rows, options)
    if not masks:
        return {"crops": np.array([], dtype=str), "masks": np.empty((0, 0, 0), np.uint8)}
    return {"crops": np.array(list(masks)), "masks": np.stack(list(masks.values())).astype(np.uint8)}


def explain_faces(
    model: dict[str, Any],
    summary: dict[str, Any],
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    altered_masks: dict[str, NDArray[Any]],
    preprocessing: Preprocessing,
    defocus: Defocus,
    evaluation: Evaluation,
    explanation: Explanation,
    dataset: str,
    experiment: str,
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Measure whether a detector's heat maps meet what was altered, and show some of them.

    Returns:
        How well maps meet masks and blends (``localised``), what becomes of scores where hot places are taken away or
        given back (``faithful``), how alike maps of a network are that learned nothing (``unlearned``), and what the
        defocus map is worth to the detector (``map_use``); and a gallery of faces, maps and altered places.

    Raises:
        InputError: If the detector does not fit the samples, or was trained again since it was judged; or there is no
            face.
    """
    check_judged(model["contract"], summary)
    # torch takes seconds to import: only nodes that need it do
    from fakefocus.inference import prepare
    from fakefocus.pipelines.explanation import measuring
    from fakefocus.pipelines.explanation.showing import gallery_of, see_faces

    test = samples[samples["split"] == "test"].reset_index(drop=True)
    if test.empty:
        msg = "explanation: the test side has no face to look at: run kedro run --pipelines=split with a test side"
        raise InputError(msg)
    show = partial(
        prepare,
        model,
        face_crops=face_crops,
        defocus_maps=defocus_maps,
        splits_json=splits_json,
        preprocessing=preprocessing,
        defocus=defocus,
        evaluation=evaluation,
    )
    scorer = show(samples=test).scorer
    network, contract = scorer.network.cpu(), read_contract(model["contract"])
    family, confidence = find_family(contract.family), evaluation.confidence
    kinds = see_faces(show, test, altered_masks, explanation)
    heats = {name: measuring.heats_of(network, family, faces.x) for name, faces in kinds.items()}
    spread = show(samples=spread_faces(test, explanation.embedded_faces))
    result = {
        **result_of("explanation", model["contract"], dataset, experiment, splits_json["hash"]),
        "split": "test",
        "parameters": explanation.model_dump(),
        "confidence": confidence,
        **measuring.measure(network, family, kinds, heats, summary["metrics"]["threshold"], explanation, confidence),
        "map_use": None
        if not contract.input.maps
        else measuring.map_use(
            network,
            scorer.inputs(spread.crops).cpu(),
            spread.samples["label"].to_numpy(),
            spread.samples["group"].to_numpy(),
            explanation.seed,
            confidence,
        ),
    }
    _log.info("%s: %s", contract.name, words.in_a_line(result))
    return result | {"tracked": words.tracked(result)}, gallery_of(network, kinds, heats, explanation.gallery)


def look_inside(
    model: dict[str, Any],
    summary: dict[str, Any],
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    face_scores: pd.DataFrame,
    preprocessing: Preprocessing,
    defocus: Defocus,
    evaluation: Evaluation,
    explanation: Explanation,
) -> dict[str, NDArray[Any]]:
    """Return what a detector makes of test faces, and what its parts have learned; see `insides.look`.

    Raises:
        InputError: If the detector does not fit the samples, or was trained again since it was judged.
    """
    check_judged(model["contract"], summary)
    from fakefocus.inference import prepare, stored_scores
    from fakefocus.pipelines.explanation.insides import distances, look

    test = spread_faces(samples[samples["split"] == "test"], explanation.embedded_faces)
    shown = prepare(model, test, face_crops, defocus_maps, splits_json, preprocessing, defocus, evaluation)
    inside = look(shown, stored_scores(test, face_scores, shown.contract.name), explanation)
    validation = samples[(samples["split"] == "val") & (samples["label"] == 0)]
    if validation.empty:
        return inside
    reals = prepare(
        model,
        spread_faces(validation, explanation.embedded_faces),
        face_crops,
        defocus_maps,
        splits_json,
        preprocessing,
        defocus,
        evaluation,
    )
    return inside | {"distance": distances(inside["embeddings"], reals)}


def draw_heat(gallery: dict[str, NDArray[Any]], defocus_maps: dict[str, VideoFolder]) -> Figure:
    """Draw faces, what a detector sees beside them, and where it looks, a row a face."""
    scale = next((folder.scale for folder in defocus_maps.values()), None)
    return figures.heat_sheet(gallery, None if scale is None else scale[0])


def draw_inside(inside: dict[str, NDArray[Any]]) -> Figure:
    """Draw what the parts of a network have learned."""
    return figures.inside_sheet(inside)


def draw_embeddings(inside: dict[str, NDArray[Any]], summary: dict[str, Any]) -> Figure:
    """Draw test faces as the detector sees them, on two planes, coloured by forgery, person and mistake."""
    return figures.embedding_sheet(inside, summary["metrics"]["threshold"])


def draw_embeddings_to_zoom(inside: dict[str, NDArray[Any]]) -> Any:  # noqa: ANN401 (plotly's)
    """Draw the plane of t-SNE for a browser: each point tells its face, its people and its score."""
    from fakefocus.pipelines.explanation.interactive import embeddings

    return embeddings(inside)


def draw_mistakes(
    summary: dict[str, Any],
    face_scores: pd.DataFrame,
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    explanation: Explanation,
) -> Figure:
    """Draw the test videos that are farthest on the wrong side of the threshold, each by its face of most influence."""
    threshold, videos = summary["metrics"]["threshold"], pd.DataFrame(summary["videos"])
    rows = []
    for label in (0, 1):
        worst = worst_videos(videos, threshold, label, explanation.mistakes)
        for video in records(worst):
            of_video = face_scores[face_scores["video_id"] == video["video_id"]]
            of_track = of_video[of_video["track"] == _deciding(of_video, summary)].sort_values(
                "score", ascending=label == 1
            )
            rows.append((video, of_track.iloc[0], _picture(of_track["crop"].iloc[0], face_crops)))
    frames = samples.set_index("crop")["frame"]
    shown = [(video, float(face["score"]), int(frames[face["crop"]]), picture) for video, face, picture in rows]
    counts = {
        label: (len(worst_videos(videos, threshold, label, len(videos))), int((videos["label"] == label).sum()))
        for label in (0, 1)
    }
    return figures.mistake_sheet(shown, counts, threshold)


def draw_scores_over_time(
    summary: dict[str, Any],
    face_scores: pd.DataFrame,
    samples: pd.DataFrame,
    faces: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
) -> Figure:
    """Draw scores over time, faces above them, of the surest right and the worst wrong video of each label."""
    threshold, videos = summary["metrics"]["threshold"], pd.DataFrame(summary["videos"])
    times = samples[["crop", "video_id", "frame", "track"]].merge(
        faces.loc[faces["found"], ["video_id", "frame", "track", "time"]], on=["video_id", "frame", "track"]
    )
    shown = []
    for label in (0, 1):
        for chosen in (surest_videos(videos, threshold, label, 1), worst_videos(videos, threshold, label, 1)):
            for video in records(chosen):
                of_video = face_scores[face_scores["video_id"] == video["video_id"]]
                rows = of_video[of_video["track"] == _deciding(of_video, summary)].merge(
                    times[["crop", "time"]], on="crop"
                )
                rows = rows.sort_values("time").reset_index(drop=True)
                places = np.unique(np.linspace(0, len(rows) - 1, figures.FACES_OVER_TIME).round().astype(int))
                pictures = [_picture(rows["crop"][place], face_crops) for place in places]
                shown.append((video, rows["time"].to_numpy(), rows["score"].to_numpy(), places, pictures))
    return figures.time_sheet(shown, threshold)


def describe_explanation(splits_json: dict[str, Any], *results: dict[str, Any]) -> dict[str, Any]:
    """Return the section of the report: how far heat maps can be trusted, and pictures of each detector."""
    return words.section(splits_json["hash"], results)


def _deciding(of_video: pd.DataFrame, summary: dict[str, Any]) -> int:
    """Return the person by whom a video is judged: the one who looks most fake, as its evaluation has it."""
    people = score_by_track(of_video, summary["metrics"]["aggregation"]).reset_index()
    return int(people["track"].to_numpy()[people["score"].to_numpy().argmax()])


def _picture(crop: str, face_crops: dict[str, VideoFolder]) -> NDArray[np.uint8]:
    folder, _, name = str(crop).rpartition("/")
    return face_crops[folder].read(name)
