"""Draws the architecture of each family from its network: ``.venv/bin/python docs/images/architectures.py [FAMILY …]``.

Each network is built with its default parameters and without weights, and one blank picture goes through it. Hooks on
its modules say what shape each stage gives, its modules say what it is made of, and its parameters are counted; a
parameter that no stage has, or that two have, is an error, so that the counts of a picture add up to the network's. The
two vision transformers of 300 million parameters need 1.3 GB of memory each, one after the other.

Writes ``docs/images/architectures/<family>.svg``, 900 pixels wide, text as text.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from timm.layers import BatchNormAct2d, EcaModule
from timm.models.efficientnet import EfficientNet
from timm.models.resnet import ResNet
from timm.models.vision_transformer import VisionTransformer
from timm.models.xception import SeparableConv2d, Xception
from torch import Tensor, nn

from fakefocus.models import Family, families, find_family

FOLDER = Path(__file__).parent / "architectures"
Shape = tuple[int, ...]


# What a picture shows ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """A box: ``modules`` by their names in the network, in the order in which they compute.

    Attributes:
        title: Its first line.
        modules: Names of modules; all their parameters are the stage's.
        own: Names of parameters that are of no module.
        output: The module whose output is the stage's; the last one where it is empty.
        says: Its second line in words; empty: what its modules are.
    """

    title: str
    modules: tuple[str, ...]
    own: tuple[str, ...] = ()
    output: str = ""
    says: str = ""


NOTHING = " "
"""What a stage says of which the title says all."""
Level = tuple[Stage | None, ...]
"""Stages side by side; None where a stream passes by."""


def levels_of(network: Any) -> list[Level]:  # noqa: ANN401 (a network of any family)
    """Return the stages of a network from its input to its logit, in levels."""
    if hasattr(network, "streams"):
        return _streams(network)
    if hasattr(network, "mix"):
        return _two_xceptions(network)
    if hasattr(network, "backbone"):
        stages = [*_normalising(network, "normalize"), *_backbone("backbone", network.get_submodule("backbone"))]
        return [(stage,) for stage in [*stages, _head(network)]]
    blocks = [Stage(f"block {number + 1}", (f"blocks.{number}",)) for number in range(len(network.blocks))]
    return [(stage,) for stage in [*blocks, Stage("head on the flattened map", ("head",))]]


def _head(network: Any) -> Stage:  # noqa: ANN401 (a detector of one backbone)
    head = Stage("head", ("head",))
    if not _has_unit_features(network):
        return head
    return Stage(head.title, head.modules, says=f"features scaled to length 1; {_made_of(network, head)}")


def _streams(network: Any) -> list[Level]:  # noqa: ANN401 (a network of streams)
    names = network.streams
    masks = tuple(
        Stage(
            "spectral mask",
            ("mask",),
            says="FFT, each frequency × a learned factor, each of 4 rings × another, inverse FFT",
        )
        if name == "spectral"
        else None
        for name in names
    )
    normalised = tuple(_normalising(network, f"normalize.{place}")[0] for place in range(len(names)))
    whole = tuple(_whole(name, network.get_submodule(name)) for name in names)
    heads = tuple(Stage(f"{name} features", (f"{name}_head",)) for name in names)
    tokens = tuple(Stage(f"{name} token", (f"fusion.projections.{place}",)) for place, name in enumerate(names))
    attention = Stage(
        "attention among the tokens",
        ("fusion.attention", "fusion.norm"),
        own=("fusion.stream_embedding",),
        output="fusion.norm",
        says="one learned vector a stream is added; 4 heads; sum and LayerNorm",
    )
    pooled = "mean of the tokens, weighted by the attention that each receives; "
    classifier = Stage("classifier", ("fusion.classifier",))
    said = Stage(classifier.title, classifier.modules, says=pooled + _made_of(network, classifier))
    return [normalised, masks, whole, heads, tokens, (attention,), (said,)]


def _two_xceptions(network: nn.Module) -> list[Level]:
    def part(title: str, blocks: Iterable[str], **more: Any) -> Level:  # noqa: ANN401
        return tuple(
            Stage(f"{net.upper()}: {title}", tuple(f"{net}.{b}" for b in blocks), **more) for net in ("fad", "lfs")
        )

    says = "each place takes up what the other branch sees at the places akin to it; learned gains, 0 at first"
    mixes = {
        number: Stage(f"cross-attention after block {number}", (f"mix.block{number}",), says=says) for number in (7, 12)
    }
    bands = Stage(
        "FAD: three bands of frequency", ("decompose",), says="DCT of the picture, fixed + learned bands, back"
    )
    local = Stage(
        "LFS: local statistics of frequency",
        ("statistics",),
        says="DCT of windows of 10 pixels, log amplitude of six bands",
    )
    entry = ("conv1", "bn1", "act1", "conv2", "bn2", "act2")
    leave = ("conv3", "bn3", "act3", "conv4", "bn4", "act4")
    return [
        (_normalising(network, "normalize")[0], None),
        (bands, local),
        part("first convolutions", entry),
        part("Xception's blocks 1 to 7", [f"block{n}" for n in range(1, 8)]),
        (mixes[7],),
        part("Xception's blocks 8 to 12", [f"block{n}" for n in range(8, 13)]),
        (mixes[12],),
        part("last convolutions", leave),
        (
            Stage(
                "head",
                ("head",),
                says=f"means of both maps side by side, 4096 values; {_made_of(network, Stage('', ('head',)))}",
            ),
        ),
    ]


def _normalising(network: nn.Module, name: str) -> list[Stage]:
    """Return the stage that moves pixels to mean and deviation; none where there is nothing of the kind."""
    normalize: Any = network.get_submodule(name)
    if isinstance(normalize, nn.Identity):
        return []
    mean, std = (_numbers(value.flatten().tolist()) for value in (normalize.mean, normalize.std))
    return [Stage("normalised pixels", (name,), says=f"mean {mean}, deviation {std}")]


def _whole(name: str, backbone: Any) -> Stage:  # noqa: ANN401 (timm's)
    """Return a backbone as one stage."""
    parts = _backbone(name, backbone)
    own = tuple(parameter for part in parts for parameter in part.own)
    says = (
        ", ".join(_blocks(backbone))
        + "; "
        + ("class token" if isinstance(backbone, VisionTransformer) else "mean over places")
    )
    return Stage(
        f"{name}: {backbone.pretrained_cfg['architecture']}",
        tuple(module for part in parts for module in part.modules),
        own,
        says=says,
    )


def _blocks(backbone: nn.Module) -> list[str]:
    """Return how many blocks of which kind a backbone has."""
    if isinstance(backbone, Xception):
        rows: list[nn.Module] = [getattr(backbone, f"block{number}") for number in range(1, 13)]
    elif isinstance(backbone, ResNet):
        rows = [block for number in range(1, 5) for block in backbone.get_submodule(f"layer{number}").children()]
    elif isinstance(backbone, EfficientNet):
        rows = [block for stage in backbone.blocks.children() for block in stage.children()]
    else:
        rows = list(backbone.get_submodule("blocks").children())
    return [_counted(count, kind) for kind, count in _runs(_kind(row) for row in rows)]


def _backbone(prefix: str, backbone: nn.Module) -> list[Stage]:
    """Return the stages of a timm backbone, named below ``prefix``."""

    def stage(title: str, *modules: str, own: Sequence[str] = (), says: str = "") -> Stage:
        return Stage(title, tuple(f"{prefix}.{m}" for m in modules), tuple(f"{prefix}.{p}" for p in own), says=says)

    if isinstance(backbone, EfficientNet):
        stages = [stage(f"stage {number + 1}", f"blocks.{number}") for number in range(len(backbone.blocks))]
        last = stage("last convolution", "conv_head", "bn2")
        return [
            stage("stem", "conv_stem", "bn1"),
            *stages,
            last,
            stage("mean over places", "global_pool", says=NOTHING),
        ]
    if isinstance(backbone, ResNet):
        stages = [stage(f"stage {number}", f"layer{number}") for number in range(1, 5)]
        return [
            stage("stem", "conv1", "bn1", "act1", "maxpool"),
            *stages,
            stage("mean over places", "global_pool", says=NOTHING),
        ]
    if isinstance(backbone, Xception):
        entry = ("conv1", "bn1", "act1", "conv2", "bn2", "act2", "block1", "block2", "block3")
        middle = [f"block{number}" for number in range(4, 12)]
        leave = ("block12", "conv3", "bn3", "act3", "conv4", "bn4", "act4")
        return [
            stage("entry flow", *entry, says="2 × Conv 3×3, 3 × Xception block with step 2"),
            stage("middle flow", *middle),
            stage("exit flow", *leave, says="Xception block with step 2, 2 × separable Conv 3×3"),
            stage("mean over places", "global_pool", says=NOTHING),
        ]
    if isinstance(backbone, VisionTransformer):
        return _transformer(stage, backbone)
    msg = f"no stages are known of a {type(backbone).__name__}: say in _backbone which they are"
    raise NotImplementedError(msg)


def _transformer(stage: Any, backbone: Any) -> list[Stage]:  # noqa: ANN401 (of `_backbone`)
    own = [name for name, _ in backbone.named_parameters(recurse=False)]
    side, block = backbone.patch_embed.patch_size[0], backbone.blocks[0]
    patches = f"patches of {side}×{side} pixels, class token, positions" + _norm(backbone.norm_pre)
    inside = f"{block.attn.num_heads} heads, width {backbone.embed_dim}, MLP of {block.mlp.fc1.out_features}"
    stages = [
        stage("patches", "patch_embed", "pos_drop", "norm_pre", own=own, says=patches),
        stage(f"{len(backbone.blocks)} transformer blocks", "blocks", says=f"{inside} with {_name(block.mlp.act)}"),
        stage("class token", "norm", "fc_norm", "head_drop", says="LayerNorm; the class token alone"),
    ]
    return stages if isinstance(backbone.head, nn.Identity) else [*stages, stage("visual projection", "head")]


def _norm(module: nn.Module) -> str:
    return "" if isinstance(module, nn.Identity) else ", LayerNorm"


def _has_unit_features(network: Any) -> bool:  # noqa: ANN401 (a detector of one backbone)
    """Say whether a detector scales its features to length 1."""
    with torch.no_grad():
        features = network.forward_features(torch.rand(1, network.in_chans, network.img_size, network.img_size))
    return bool(torch.isclose(features.norm(), torch.ones(()), atol=1e-5))


# What modules are, in words ------------------------------------------------------------------------------------------


NO_BREAK = "\N{NO-BREAK SPACE}"
KINDS = {
    "InvertedResidual": "inverted bottleneck",
    "DepthwiseSeparableConv": "depthwise separable block",
    "Bottleneck": "bottleneck",
    "BasicBlock": "basic block",
    "BatchNorm2d": "BatchNorm",
    "BatchNorm1d": "BatchNorm",
    "NarrowBatchNorm2d": "BatchNorm",
    "Conv2dSame": "Conv",
    "Conv2d": "Conv",
    "ConstrainedConv2d": "ConstrainedConv",
    "SelectAdaptivePool2d": "mean over places",
}


def _name(module: nn.Module) -> str:
    return KINDS.get(type(module).__name__, type(module).__name__)


def _kind(block: Any) -> str:  # noqa: ANN401 (timm's blocks)
    """Return what kind of block one is, with the side of its depthwise kernel."""
    if type(block).__module__.endswith("xception"):
        return "Xception block"
    if hasattr(block, "attn"):
        return "transformer block"
    side = f" {block.conv_dw.kernel_size[0]}×{block.conv_dw.kernel_size[0]}" if hasattr(block, "conv_dw") else ""
    return _name(block) + side


def _counted(count: int, kind: str) -> str:
    return kind if count == 1 else f"{count}{NO_BREAK}×{NO_BREAK}{kind}"


def _runs(kinds: Iterable[str]) -> list[tuple[str, int]]:
    """Return each kind with how many there are, in order of the first one."""
    counts: dict[str, int] = {}
    for kind in kinds:
        counts[kind] = counts.get(kind, 0) + 1
    return list(counts.items())


def _made_of(network: nn.Module, stage: Stage) -> str:
    """Return what a stage's modules are."""
    return ", ".join(_words([network.get_submodule(name) for name in stage.modules]))


def _words(modules: Sequence[nn.Module]) -> list[str]:
    """Return the layers of modules in words; blocks of a kind are counted."""
    if len(modules) > 1 and all(type(m) is type(modules[0]) for m in modules) and list(modules[0].children()):
        return [_counted(count, kind) for kind, count in _runs(_kind(m) for m in modules)]
    # no line ends inside a layer
    return [word.replace(" ", NO_BREAK) for module in modules for word in _described(module)]


def _described(module: Any) -> Iterator[str]:  # noqa: ANN401 (a layer of any kind)
    """Yield the layers of a module in words."""
    match module:
        case nn.Identity():
            return
        case nn.Dropout():
            yield from [f"Dropout {_number(module.p)}"] if module.p else []
        case BatchNormAct2d():
            yield from ("BatchNorm", *_described(module.act))
        case nn.ModuleList():
            branches = " | ".join(", ".join(_described_in(branch)) for branch in module)
            yield f"side by side, {_activation(module)} after each: {branches}"
        case _ if (words := _layer(module)) is not None:
            yield words
        case _ if list(module.children()) and type(module).__name__ not in KINDS:
            yield from _words(list(module.children()))
        case _:
            yield _kind(module)


def _layer(module: Any) -> str | None:  # noqa: ANN401 (a layer of any kind)
    """Return a single layer with its sizes; None for what is no such layer."""
    match module:
        case nn.Conv2d():
            return _convolution(module)
        case SeparableConv2d():
            side, conv = module.conv1.kernel_size[0], module.pointwise
            return f"separable Conv {side}×{side}, {conv.in_channels}→{conv.out_channels}"
        case nn.Linear():
            return f"Linear {module.in_features}→{module.out_features}"
        case nn.MaxPool2d():
            return f"MaxPool {module.kernel_size}" + _step(module.stride, module.kernel_size)
        case EcaModule():
            return f"channel attention (ECA, {module.conv.kernel_size[0]})"
        case nn.LeakyReLU():
            return f"LeakyReLU {_number(module.negative_slope)}"
    return None


def _described_in(branch: nn.Module) -> list[str]:
    """Return the convolutions of a branch, briefly, and how many channels the last one gives."""
    convs = [module for module in branch.modules() if isinstance(module, nn.Conv2d)]
    said = [f"{conv.kernel_size[0]}×{conv.kernel_size[0]}" + _dilation(conv) for conv in convs]
    return [*said[:-1], f"{said[-1]}→{convs[-1].out_channels}"]


def _activation(branches: nn.ModuleList) -> str:
    """Return the kind of what follows the convolutions of branches."""
    return next(_name(module) for module in branches.modules() if type(module).__module__ == nn.ReLU.__module__)


def _dilation(conv: nn.Conv2d) -> str:
    return f" dilation {conv.dilation[0]}" if conv.dilation[0] > 1 else ""


def _convolution(conv: nn.Conv2d) -> str:
    side = conv.kernel_size[0]
    return f"{_name(conv)} {side}×{side}, {conv.in_channels}→{conv.out_channels}" + _step(conv.stride, 1)


def _step(stride: Any, usual: Any) -> str:  # noqa: ANN401 (numbers or pairs)
    step = stride[0] if isinstance(stride, tuple) else stride
    return "" if step == usual else f", step {step}"


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").removeprefix("0").rstrip(".") or "0"


def _numbers(values: Sequence[float]) -> str:
    return _number(values[0]) if len(set(values)) == 1 else " ".join(_number(v) for v in values)


# What goes through it ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Box:
    """A stage that was measured.

    Attributes:
        title: Its first line.
        says: What it is made of.
        shape: Of its output for one sample.
        parameters: How many it has; ``learn`` how many of these take a gradient.
    """

    title: str
    says: str
    shape: Shape
    parameters: int
    learn: int


def measured(network: nn.Module, levels: Sequence[Level]) -> list[tuple[Box | None, ...]]:
    """Send a blank picture through a network, and return its stages with shapes and numbers of parameters.

    Raises:
        ValueError: If the stages do not have each parameter once.
    """
    stages = [stage for level in levels for stage in level if stage is not None]
    _check_complete(network, stages)
    watched = {stage: stage.output or stage.modules[-1] for stage in stages}
    shapes = _shapes(network, set(watched.values()))
    boxes = {stage: _box(network, stage, shapes[watched[stage]]) for stage in stages}
    return [tuple(None if stage is None else boxes[stage] for stage in level) for level in levels]


def _box(network: nn.Module, stage: Stage, shape: Shape) -> Box:
    parameters = [network.get_parameter(name) for name in _owned(network, stage)]
    return Box(
        title=stage.title,
        says=(stage.says or _made_of_all(network, stage)).strip(),
        shape=shape,
        parameters=sum(p.numel() for p in parameters),
        learn=sum(p.numel() for p in parameters if p.requires_grad),
    )


def _made_of_all(network: nn.Module, stage: Stage) -> str:
    words = _made_of(network, stage)
    return "" if words in ("Normalize", "HalfNormalize") else words


def _owned(network: nn.Module, stage: Stage) -> list[str]:
    """Return the names of a stage's parameters."""
    below = [
        f"{module}.{name}" for module in stage.modules for name, _ in network.get_submodule(module).named_parameters()
    ]
    return [*below, *stage.own]


def _check_complete(network: nn.Module, stages: Sequence[Stage]) -> None:
    owned = [name for stage in stages for name in _owned(network, stage)]
    missing = sorted({name for name, _ in network.named_parameters()} - set(owned))
    twice = sorted({name for name in owned if owned.count(name) > 1})
    if missing or twice:
        msg = f"{type(network).__name__}: in no stage: {missing[:5]}; in two: {twice[:5]}"
        raise ValueError(msg)


def _shapes(network: Any, names: Iterable[str]) -> Mapping[str, Shape]:  # noqa: ANN401
    """Return the shape of what each named module gives for one sample."""
    shapes: dict[str, Shape] = {}

    def note(name: str) -> Any:  # noqa: ANN401 (torch's hook)
        def hook(_module: nn.Module, _inputs: Any, output: Tensor | tuple[Tensor, ...]) -> None:  # noqa: ANN401
            first = output if isinstance(output, Tensor) else output[0]
            shapes[name] = tuple(first.shape[1:])

        return hook

    handles = [network.get_submodule(name).register_forward_hook(note(name)) for name in names]
    with torch.no_grad():
        network(torch.zeros(1, network.in_chans, network.img_size, network.img_size))
    for handle in handles:
        handle.remove()
    return shapes


# How it looks --------------------------------------------------------------------------------------------------------


WIDTH, MARGIN, GAP, GUTTER, ARROW = 900, 30, 18, 5, 24
INK, GREY, PAPER = "#1f2937", "#5b6675", "#ffffff"
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
TITLE, BODY = 15.5, 13.5
LINE = 18.0
PADDING = 12
# the mean width of a letter of this font, as a share of its size
LETTER = 0.535
NARROWEST_FOR_TWO_COLUMNS = 500


def drawn(family: Family) -> str:
    """Return the picture of a family's network with its default parameters, as SVG."""
    options = family.network_options().model_dump(exclude={"weights"})
    network = family.build_network(**options).eval()
    rows = measured(network, levels_of(network))
    parameters = sum(p.numel() for p in network.parameters())
    learn = sum(p.numel() for p in network.parameters() if p.requires_grad)
    picture = _Picture(family.colour)
    picture.heading(family.title, _counts(parameters, learn))
    entry = _entry(network)
    levels = [(entry,), *rows]
    for level, after in pairwise([*levels, ()]):
        tops = picture.level(level)
        picture.arrows(level, after, tops)
    picture.end("above 0: fake; its sigmoid is the score")
    return picture.svg(f"Architecture of {family.title}: {_counts(parameters, learn)}")


def _entry(network: Any) -> Box:  # noqa: ANN401
    """Return the box of the input."""
    more = ("its defocus map", "the confidence of the map")[: network.in_chans - 3]
    shape = (network.in_chans, network.img_size, network.img_size)
    return Box(" and ".join(["a crop's RGB", *more]), "values in [0, 1]", shape, 0, 0)


def _counts(parameters: int, learn: int) -> str:
    if parameters == 0:
        return ""
    word = "parameter" if parameters == 1 else "parameters"
    if learn == parameters:
        return f"{parameters:,} {word}"
    return f"{parameters:,} {word}, " + (f"{learn:,} of them learn" if learn else "frozen")


def _shape(shape: Shape) -> str:
    if len(shape) == 3:
        return "×".join(str(side) for side in shape)
    if len(shape) == 2:
        return f"{shape[0]} tokens of {shape[1]}"
    return "1 logit" if shape == (1,) else f"{shape[0]} values"


class _Picture:
    """Elements of an SVG from top to bottom."""

    def __init__(self, colour: str) -> None:
        self.colour = colour
        self.elements: list[str] = []
        self.bottom = 0.0

    def heading(self, title: str, counts: str) -> None:
        self._text(MARGIN, 40, title, 22, INK, bold=True)
        self._text(WIDTH - MARGIN, 40, counts, 14.5, GREY, anchor="end")
        self.bottom = 60

    def level(self, level: Sequence[Box | None]) -> list[float]:
        """Draw boxes side by side; return where each ends, or its top where a stream passes by."""
        spans = _spans(len(level))
        laid = [
            None if box is None else _Laid.of(box, right - left)
            for box, (left, right) in zip(level, spans, strict=True)
        ]
        height = max(entry.height for entry in laid if entry is not None)
        ends = []
        for entry, (left, right) in zip(laid, spans, strict=True):
            if entry is not None:
                self._box(entry, left, right, height)
            ends.append(self.bottom if entry is None else self.bottom + height)
        self.top, self.bottom = self.bottom, self.bottom + height
        return ends

    def arrows(self, level: Sequence[Box | None], after: Sequence[Box | None], ends: Sequence[float]) -> None:
        """Draw what leads from a level to the next one."""
        if not after:
            return
        target = self.bottom + ARROW
        here, there = _centres(len(level)), _centres(len(after))
        if len(here) == len(there):
            for x, end, following in zip(here, ends, after, strict=True):
                self._arrow(x, end, x, target, head=following is not None)
        elif len(here) == 1:
            for x, following in zip(there, after, strict=True):
                self._arrow(_within(x, 1), ends[0], x, target, head=following is not None)
        else:
            for x, end in zip(here, ends, strict=True):
                self._arrow(x, end, _within(x, len(after)), target, head=True)
        self.bottom = target

    def end(self, text: str) -> None:
        x = WIDTH / 2
        self._arrow(x, self.bottom, x, self.bottom + ARROW, head=True)
        self._text(x, self.bottom + ARROW + 17, text, BODY, INK, anchor="middle")
        self.bottom += ARROW + 34

    def svg(self, label: str) -> str:
        height = round(self.bottom)
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            f'font-family="{FONT}" role="img" aria-label="{escape(label)}">'
        )
        return "\n".join([head, f'<rect width="100%" height="100%" fill="{PAPER}"/>', *self.elements, "</svg>\n"])

    def _box(self, laid: "_Laid", left: float, right: float, height: float) -> None:
        box, top = laid.box, self.bottom
        dashed = ' stroke-dasharray="6 4"' if box.parameters and not box.learn else ""
        self.elements.append(
            f'<rect x="{left:g}" y="{top:g}" width="{right - left:g}" height="{height:g}" rx="8" fill="{self.colour}" '
            f'fill-opacity="{0.08 if box.parameters else 0}" stroke="{self.colour}" stroke-width="1.5"{dashed}/>'
        )
        baseline = top + PADDING + TITLE - 2
        for line in laid.title:
            self._text(left + PADDING, baseline, line, TITLE, INK, bold=True)
            baseline += LINE + 1
        for line in laid.says:
            self._text(left + PADDING, baseline, line, BODY, GREY)
            baseline += LINE
        x, anchor, baseline = right - PADDING, "end", top + PADDING + TITLE - 2
        if not laid.two_columns:
            x, anchor = left + PADDING, "start"
            baseline = top + height - PADDING - 2 - (LINE + 1 if laid.counts else 0)
        self._text(x, baseline, _shape(box.shape), BODY, self.colour, bold=True, anchor=anchor)
        if laid.counts:
            self._text(x, baseline + LINE + 1, laid.counts, BODY, INK, anchor=anchor)

    def _arrow(self, x: float, y: float, to_x: float, to_y: float, *, head: bool) -> None:
        stop = to_y - 8 if head else to_y
        middle = to_y - ARROW / 2
        path = f"M{x:g} {y:g} V{stop:g}" if x == to_x else f"M{x:g} {y:g} V{middle:g} H{to_x:g} V{stop:g}"
        self.elements.append(f'<path d="{path}" fill="none" stroke="{self.colour}" stroke-width="2"/>')
        if head:
            self.elements.append(f'<path d="M{to_x - 6:g} {stop - 1:g} h12 l-6 9 z" fill="{self.colour}"/>')

    def _text(
        self, x: float, y: float, text: str, size: float, fill: str, *, bold: bool = False, anchor: str = "start"
    ) -> None:
        weight = ' font-weight="700"' if bold else ""
        place = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self.elements.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{fill}"{weight}{place}>{escape(text)}</text>'
        )


@dataclass(frozen=True)
class _Laid:
    """The lines of a box of a certain width, and its height; of ``two_columns`` the right one has shape and counts."""

    box: Box
    title: list[str]
    says: list[str]
    counts: str
    two_columns: bool
    height: float

    @classmethod
    def of(cls, box: Box, width: float) -> "_Laid":
        two_columns = width >= NARROWEST_FOR_TWO_COLUMNS
        counts = _counts(box.parameters, box.learn)
        room = width - 2 * PADDING
        if two_columns:
            room -= LETTER * BODY * max(len(counts), len(_shape(box.shape))) + 2 * PADDING
        title, says = _wrapped(box.title, room / (LETTER * 1.08 * TITLE)), _wrapped(box.says, room / (LETTER * BODY))
        left = len(title) * (LINE + 1) + len(says) * LINE
        right = 2 * LINE + 1 if counts else LINE
        body = max(left, right) if two_columns else left + GUTTER + right
        return cls(box, title, says, counts, two_columns, body + 2 * PADDING - 3)


def _wrapped(text: str, letters: float) -> list[str]:
    lines: list[str] = []
    for word in filter(None, text.split(" ")):
        if lines and len(lines[-1]) + 1 + len(word) <= letters:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _spans(count: int) -> list[tuple[float, float]]:
    """Return left and right of ``count`` boxes side by side; a single one is narrower than the page."""
    if count == 1:
        return [(130, WIDTH - 130)]
    width = (WIDTH - 2 * MARGIN - (count - 1) * GAP) / count
    return [(MARGIN + place * (width + GAP), MARGIN + place * (width + GAP) + width) for place in range(count)]


def _centres(count: int) -> list[float]:
    return [(left + right) / 2 for left, right in _spans(count)]


def _within(x: float, count: int) -> float:
    """Return the place nearest to ``x`` on the edge of a single box."""
    left, right = _spans(count)[0]
    return min(max(x, left + 30), right - 30)


def main(names: Sequence[str]) -> None:
    """Draw the families that are named, or all of them."""
    FOLDER.mkdir(exist_ok=True)
    for family in [find_family(name) for name in names] or families().values():
        (FOLDER / f"{family.name}.svg").write_text(drawn(family), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
