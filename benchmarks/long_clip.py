"""Memory that a long clip needs: ``python -m benchmarks.long_clip [hours]``.

A 1080p clip of `clips.SCENES` is repeated, without encoding it again, to a clip of two hours, and its crops are made
with every hundredth frame and no limit. Prints the peak memory of the process that does it, in MiB.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import av

from benchmarks.clips import CLIPS, OPTIONS, make_clips
from fakefocus.datasets.stored_video import FrameWriter
from fakefocus.extraction import extract_faces


def repeat(source: Path, target: Path, hours: float) -> None:
    """Write the packets of a clip again and again, later each time, until the clip is ``hours`` long."""
    with av.open(str(source)) as clip, av.open(str(target), "w") as long:
        stream = clip.streams.video[0]
        copy = long.add_stream_from_template(stream)
        packets = [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in clip.demux(stream) if p.size]
        length = round(len(packets) / float(stream.average_rate) / float(stream.time_base))
        for turn in range(int(hours * 3600 * float(stream.average_rate) / len(packets))):
            for data, pts, dts, key in packets:
                packet = av.Packet(data)
                packet.stream, packet.time_base, packet.is_keyframe = copy, stream.time_base, key
                packet.pts, packet.dts = pts + turn * length, dts + turn * length
                long.mux(packet)


def main() -> None:
    """Make the clip and its crops, and print what that needed."""
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    sampling = OPTIONS.sampling.model_copy(update={"every": 100})
    options = OPTIONS.model_copy(update={"sampling": sampling})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.mp4"
        repeat(make_clips(CLIPS, "1080p")[0], path, hours)
        (Path(folder) / "crops").mkdir()
        start = time.perf_counter()
        rows = extract_faces(path, "long", "video", options, FrameWriter(Path(folder) / "crops", ".jpg"))
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with_face = sum(row["found"] for row in rows)
    sys.stdout.write(f"{hours:g} h: {with_face} crops of {len(rows)} frames, {seconds:.0f} s, peak {peak:.0f} MiB\n")


if __name__ == "__main__":
    main()
