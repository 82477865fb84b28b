"""Which videos belong together: they share a person, as target or as source, directly or not."""

import hashlib
from collections.abc import Callable, Mapping, Sequence

import pandas as pd

Nodes = tuple[str, ...]
"""What a video ties together: the people it shows, and what else must not be on two sides."""


def people(videos: pd.DataFrame) -> pd.Series:
    """Return each video's people, those of one data set, as ``<dataset>/<identity>``: target, then source."""
    source = videos["source_identity"].where(videos["source_identity"] != "", videos["target_identity"])
    pairs = zip(videos["dataset"], videos["target_identity"], source, strict=True)
    return _series(videos, [tuple(dict.fromkeys((f"{d}/{t}", f"{d}/{s}"))) for d, t, s in pairs])


def people_and_source_videos(videos: pd.DataFrame) -> pd.Series:
    """Return each video's people, and the video that its target was cut from."""
    sources = [
        f"source video {d}/{v}" if v else "" for d, v in zip(videos["dataset"], videos["source_video"], strict=True)
    ]
    named = zip(people(videos), sources, strict=True)
    return _series(videos, [(*nodes, name) if name else nodes for nodes, name in named])


def each_alone(videos: pd.DataFrame) -> pd.Series:
    """Return each video's own id: nothing is kept together."""
    return _series(videos, [(str(name),) for name in videos["video_id"]])


NODES: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "identity": people,
    "method": people,
    "official": people,
    "source_video": people_and_source_videos,
    "video": each_alone,
}
"""By strategy."""


def groups_of(nodes: pd.Series, parts: Mapping[str, str] | None = None) -> pd.Series:
    """Return the group of each video: what is connected is one group, named by its smallest node.

    Args:
        nodes: The `Nodes` of each video.
        parts: Nodes that lie on a side; a video whose nodes lie on two of them connects nothing, and has the group
            of its first node.
    """
    root = _join(nodes.tolist(), parts or {})
    smallest: dict[str, str] = {}
    for node in sorted(root):
        smallest.setdefault(_find(root, node), node)
    return pd.Series([smallest[_find(root, n[0])] for n in nodes], index=nodes.index, name="group", dtype=object)


def parts_of_new_nodes(nodes: pd.Series, video_ids: pd.Series, parts: Mapping[str, str]) -> dict[str, str]:
    """Give nodes that are connected to nodes with a part that part; the others get none.

    Videos are taken in the order of a hash of their id, whatever the order of the rows: where a new node is connected
    to two parts, the first decides.
    """
    root, part_of = _join([], {}), dict(parts)
    order = sorted(zip(video_ids, nodes, strict=True), key=lambda row: order_of(row[0]))
    for _, own in order:
        for node in own:
            root.setdefault(node, node)
        roots = {_find(root, node) for node in own}
        if len({part_of[r] for r in roots if r in part_of}) < 2:
            first, *others = sorted(roots, key=lambda r: (r not in part_of, r))
            root.update(dict.fromkeys(others, first))
    return {node: part_of[r] for node in root if (r := _find(root, node)) in part_of}


def order_of(name: str, seed: int = 0) -> str:
    """Return a hash by which names are taken in an order that nothing else has a say in."""
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()


def _join(all_nodes: Sequence[Nodes], parts: Mapping[str, str]) -> dict[str, str]:
    """Union-find: map each node to one nearer to the root of its group."""
    root = {node: node for nodes in all_nodes for node in nodes}
    for first, *others in all_nodes:
        if len({parts.get(node) for node in (first, *others)}) == 1:
            for node in others:
                root[_find(root, node)] = _find(root, first)
    return root


def _find(root: dict[str, str], node: str) -> str:
    while root[node] != node:
        root[node] = root[root[node]]
        node = root[node]
    return node


def _series(videos: pd.DataFrame, values: Sequence[Nodes]) -> pd.Series:
    return pd.Series(list(values), index=videos.index, dtype=object)
