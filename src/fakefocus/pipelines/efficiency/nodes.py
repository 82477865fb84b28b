"""Counts and times what a trained detector costs."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fakefocus.datasets.stored_video import VideoFolder
from fakefocus.machine import processor_name
from fakefocus.models import find_family
from fakefocus.models.contract import Contract, read_contract
from fakefocus.models.fitting import result_of, trainings_in
from fakefocus.parameters import Defocus, Efficiency
from fakefocus.pipelines.efficiency.figures import draw_costs


def measure_costs(
    model: dict[str, Any],
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    efficiency: Efficiency,
    dataset: str,
    experiment: str,
) -> dict[str, Any]:
    """Count a detector's parameters and operations, and measure its time and memory on this machine.

    Args:
        model: Its ``contract`` and ``weights``.
        samples: Crops of the side test among them are those whose maps are timed.
        face_crops: Crops by the column ``folder``.
        splits_json: The split that the crops are of.
        efficiency: Devices, threads, batches and repetitions.
        dataset: Name of the data set of these crops.
        experiment: Name of the experiment.

    Returns:
        ``counted``: ``parameters``, ``macs`` and ``fft_flops`` a crop, ``macs_with_fft``; ``published``: the same
        of the family at the sizes that its network has by default, None where it has none; ``weights_bytes``;
        ``measured``: a row a device and batch, with milliseconds, crops a second and MiB; ``maps``: milliseconds a
        crop, None for a detector that sees none; ``machine``; ``absent``: devices that are not here.
    """
    # torch takes seconds to import: only this node needs it
    import torch

    from fakefocus.models.build import load_network
    from fakefocus.models.costs import stored_bytes, threads

    contract = read_contract(model["contract"])
    network = load_network(contract, model["weights"])
    there = [name for name in efficiency.devices if name == "cpu" or torch.cuda.is_available()]
    with threads(efficiency.threads):
        counted = _count(network, contract.input.img_size)
        measured = [row for device in there for row in _measure(contract, network, device, efficiency)]
        maps = _time_maps(contract, samples[samples["split"] == "test"], face_crops, efficiency)
    result = {
        **result_of("efficiency", model["contract"], dataset, experiment, splits_json["hash"]),
        "seed": contract.training.seed,
        "parameters": efficiency.model_dump(mode="json"),
        "input": {"channels": len(contract.input.channels), "side": contract.input.img_size},
        "counted": counted,
        "published": _count_published(contract.family),
        "weights_bytes": stored_bytes(model["weights"]),
        "measured": measured,
        "maps": maps,
        "machine": _machine(there),
        "absent": sorted(set(efficiency.devices) - set(there)),
    }
    return result | {"tracked": _tracked(result)}


def describe_efficiency(splits_json: dict[str, Any], *results: dict[str, Any]) -> dict[str, Any]:
    """Return the section of the report: what was counted, what was measured how, and how noisy it is."""
    first = results[0]
    options, machine = first["parameters"], first["machine"]
    absent = f" There is no {' and no '.join(first['absent'])} here: not measured." if first["absent"] else ""
    noise = max(row["noise"] for result in results for row in result["measured"])
    text = [
        "Counted, a crop: multiplications with an addition (MACs) of convolutions, linear layers and attention; "
        "Fourier transforms by convention, 5 N log2 N operations of a complex transform of N numbers, half of that of "
        "a real one (http://www.fftw.org/speed/method.html), two operations a MAC. Activations, norms and pooling are "
        "not counted. The published sizes are those of the network that the family declares, whatever recipe trained "
        "this one.",
        f"Measured on {machine['processor']}, {options['threads']} thread(s) of torch {machine['torch']}"
        + (f", and {machine['gpu']}" if machine["gpu"] else "")
        + f": {options['rounds']} rounds of {options['repetitions']} forward passes in float32 after "
        f"{options['warm_up']} that are not counted. Medians of rounds differ by up to {100 * noise:.0f} % of the "
        f"median: differences below that say nothing.{absent}",
        "Time is that of the network: reading, cropping and copying are left out, and so is the map of a crop, which "
        "belongs to the input and has a table of its own. Peak memory on a processor is that of a process of its own, "
        "batch after batch; what Python and its libraries take is subtracted. On a GPU it is what torch has "
        "allocated, with weights.",
        "Other machines, threads and exported networks have other times; a demo's recipe has smaller networks than the "
        "published ones. Time says nothing of how well a detector detects.",
    ]
    return {
        "title": "What the detectors cost",
        "order": 70,
        "split_hash": splits_json["hash"],
        "trainings": trainings_in(results),
        "text": text,
        "tables": [_counted_table(results), _measured_table(results), _map_table(results)],
        "caption": "Parameters and operations a crop, of this detector (filled) and of the published sizes (hollow), "
        "on scales of powers of ten; milliseconds a crop by the size of the batch: median, and 95 % quantile above it.",
    }


def draw_efficiency(*results: dict[str, Any]) -> Figure:
    """Draw counts and times of all families."""
    return draw_costs(results)


def _count(network: Any, side: int) -> dict[str, int]:  # noqa: ANN401 (torch is imported with its type)
    from fakefocus.models.costs import count_arithmetic, count_parameters

    arithmetic = count_arithmetic(network, network.in_chans, side)
    return {
        "side": side,
        "parameters": count_parameters(network),
        "macs": arithmetic.macs,
        "fft_flops": arithmetic.fft_flops,
        "macs_with_fft": arithmetic.with_fft,
    }


def _count_published(family: str) -> dict[str, int] | None:
    from fakefocus.models.build import build_network

    options = find_family(family).network_options
    if any(option.is_required() for option in options.model_fields.values()):
        return None
    network: Any = build_network(family, options().model_dump())
    return _count(network, network.img_size)


def _measure(contract: Contract, network: Any, device: str, efficiency: Efficiency) -> list[dict[str, Any]]:  # noqa: ANN401
    """Return a row a batch: time and memory."""
    from fakefocus.models.costs import peak_on_gpu, peaks_of_process, time_batches
    from fakefocus.models.torch_settings import set_up_torch

    # as all scoring does
    set_up_torch()
    counts = {name: getattr(efficiency, name) for name in ("warm_up", "repetitions", "rounds")}
    side, channels = contract.input.img_size, len(contract.input.channels)
    shapes = [(batch, channels, side, side) for batch in sorted(efficiency.batches)]
    moved = network.to(device)
    rows = [{"device": device} | time_batches(moved, shape, **counts).described(shape[0]) for shape in shapes]
    peaks: list[dict[str, float]]
    if device == "cpu":
        peaks = peaks_of_process(contract.family, contract.network, shapes, efficiency.threads)
    else:
        peaks = [{"peak_mib": peak_on_gpu(moved, shape)} for shape in shapes]
    network.to("cpu")
    return [row | peak for row, peak in zip(rows, peaks, strict=True)]


def _time_maps(
    contract: Contract, test: pd.DataFrame, face_crops: Mapping[str, VideoFolder], efficiency: Efficiency
) -> dict[str, Any] | None:
    """Return how long the maps of a crop take; None for a detector that sees none, or without crops."""
    if contract.maps is None or test.empty:
        return None
    import cv2

    from fakefocus.models.costs import time_calls
    from fakefocus.training.samples import MapSource

    chosen = test.iloc[np.unique(np.linspace(0, len(test) - 1, efficiency.map_crops).round().astype(int))]
    names = [str(crop).rpartition("/")[2] for crop in chosen["crop"]]
    crops = [face_crops[folder].read(name) for folder, name in zip(chosen["folder"], names, strict=True)]
    make = MapSource(Defocus(**contract.maps.model_dump(), store="none"), {}).maker(contract.input.maps)
    before = cv2.getNumThreads()
    cv2.setNumThreads(efficiency.threads)
    try:
        times = time_calls(make.__call__, crops, efficiency.rounds)
    finally:
        cv2.setNumThreads(before)
    p50, p95 = np.quantile(times, (0.5, 0.95))
    return {"method": contract.maps.method, "crops": len(crops), "side": crops[0].shape[0]} | {
        "p50_ms": float(p50),
        "p95_ms": float(p95),
    }


def _machine(devices: Sequence[str]) -> dict[str, str]:
    import torch

    gpu = torch.cuda.get_device_name() if "cuda" in devices else ""
    return {"processor": processor_name(), "gpu": gpu, "torch": version("torch"), "python": platform.python_version()}


def _tracked(result: dict[str, Any]) -> dict[str, float]:
    values = {name: result["counted"][name] for name in ("parameters", "macs", "fft_flops", "macs_with_fft")}
    values["weights_bytes"] = result["weights_bytes"]
    for row in result["measured"]:
        place = f"{row['device']}.batch_{row['batch']}"
        values |= {f"{place}.{name}": row[name] for name in ("p50_ms", "p95_ms", "crops_per_s", "peak_mib", "noise")}
    if result["maps"] is not None:
        values["map_p50_ms"] = result["maps"]["p50_ms"]
    return values


def _counted_table(results: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    rows = []
    for result in results:
        size = f"{result['weights_bytes'] / 2**20:.2f} MiB"
        rows.append([result["detector"], "this detector", *_counts(result["counted"]), size])
        if result["published"] is not None:
            rows.append([result["detector"], "at the published sizes", *_counts(result["published"]), ""])
    columns = [
        "detector",
        "network",
        "side, pixels",
        "parameters",
        "MACs",
        "FFT, operations",
        "MACs with FFT",
        "weights",
    ]
    return {"title": "Counted, a crop", "columns": columns, "rows": rows}


def _counts(counted: dict[str, int]) -> list[str]:
    return [f"{counted[name]:,}" for name in ("side", "parameters", "macs", "fft_flops", "macs_with_fft")]


def _measured_table(results: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    rows = [
        [
            result["detector"],
            row["device"],
            str(row["batch"]),
            f"{row['p50_ms']:.2f}",
            f"{row['p95_ms']:.2f}",
            f"{row['crops_per_s']:.0f}",
            f"{row['peak_mib']:.0f}",
            f"{100 * row['noise']:.0f} %",
        ]
        for result in results
        for row in result["measured"]
    ]
    columns = ["detector", "device", "batch", "p50, ms", "p95, ms", "crops a second", "peak memory, MiB", "noise"]
    return {"title": "Measured, a batch", "columns": columns, "rows": rows}


def _map_table(results: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    rows = [
        [result["detector"], maps["method"], str(maps["side"]), str(maps["crops"])]
        + [f"{maps[name]:.2f}" for name in ("p50_ms", "p95_ms")]
        if (maps := result["maps"]) is not None
        else [result["detector"], "sees no map", "", "", "", ""]
        for result in results
    ]
    columns = ["detector", "map", "side, pixels", "crops", "p50, ms a crop", "p95, ms a crop"]
    return {"title": "The map of a crop, on the processor", "columns": columns, "rows": rows}
