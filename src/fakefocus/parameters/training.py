"""Parameters of training: the recipe, and how samples are changed at random."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from fakefocus.parameters.common import Group, NonNegative, Positive, Share

Range = tuple[NonNegative, NonNegative]
_HALF = 0.5


class Damage(Group):
    """What spoils 8-bit pixels, in this order: each with its probability in [0, 1] and the range its strength is from.

    ``rescale``: smaller by a factor, evenly on a logarithmic scale; what follows happens at that size, and the picture
    is made as large as it was in the end. ``blur``: Gaussian, σ in pixels. ``sharpen``: unsharp masking, its weight.
    ``noise``: Gaussian, σ in grey levels of 255. ``jpeg``: quality of 1 to 100. ``h264``: constant rate factor of x264,
    in a shot of a few frames in which the picture moves. ``again``: the share of pictures that go through all of it a
    second time, as those do that are sent on.
    """

    rescale: Share = 0.0
    rescale_factor: Range = (0.5, 1.0)
    blur: Share = 0.0
    blur_sigma: Range = (0.1, 2.0)
    sharpen: Share = 0.0
    sharpen_weight: Range = (0.2, 1.5)
    noise: Share = 0.0
    noise_sigma: Range = (0.0, 5.0)
    jpeg: Share = 0.0
    jpeg_quality: tuple[Annotated[int, Field(ge=1, le=100)], Annotated[int, Field(ge=1, le=100)]] = (40, 100)
    h264: Share = 0.0
    h264_crf: tuple[Annotated[float, Field(ge=0, le=51)], Annotated[float, Field(ge=0, le=51)]] = (18, 45)
    again: Share = 0.0

    @model_validator(mode="after")
    def _ranges_ascend(self) -> "Damage":
        for name in ("rescale_factor", "blur_sigma", "sharpen_weight", "noise_sigma", "jpeg_quality", "h264_crf"):
            low, high = getattr(self, name)
            if low > high or (name in ("rescale_factor", "blur_sigma") and low == 0):
                msg = f"{name}: needs the smallest and the largest value, above 0 where it divides, got {low}, {high}"
                raise ValueError(msg)
        if self.rescale_factor[1] > 1:
            msg = f"rescale_factor: must be at most 1, nothing is enlarged first, got {self.rescale_factor[1]}"
            raise ValueError(msg)
        return self


class PseudoFakes(Group):
    """How often each kind of pseudo-fake is made of a real face, in any unit; see `imaging.blending.KINDS`."""

    self_blended: NonNegative = 1.0
    regional: NonNegative = 0.0
    swapped: NonNegative = 0.0
    resynthesised: NonNegative = 0.0

    @model_validator(mode="after")
    def _makes_some(self) -> "PseudoFakes":
        if not sum(self.model_dump().values()):
            kinds = ", ".join(type(self).model_fields)
            msg = f"a kind of pseudo-fake must have a weight above 0, all are 0: set one of {kinds}"
            raise ValueError(msg)
        return self


class Augmentation(Group):
    """Random changes of training samples: ``crop`` in pixels, angles in degrees, shares in [0, 1].

    A square of ``crop`` pixels is cut from the middle of the stored crop; it is resized to what the network takes.
    ``shift`` moves it by up to that share of its side: with rotation or zoom by the same warp, else by
    cutting elsewhere, as far as the stored crop reaches. ``tight``: the share of samples that look like crops of
    somebody's tighter crops; of each of their sides a share out of ``tight_by`` is what is repeated where a frame ends.
    With ``recompute_map`` the map is made from the changed
    picture, damage included; without, the stored map moves with the picture and knows nothing of damage and colour.
    """

    crop: Annotated[int, Field(ge=32)]
    flip: Share
    rotation: Annotated[float, Field(ge=0, le=180)]
    shift: Annotated[float, Field(ge=0, le=0.5)]
    zoom: Annotated[float, Field(ge=0, lt=1)]
    brightness: Share
    contrast: Share
    hue: Annotated[float, Field(ge=0, le=0.5)]
    tight: Share = 0.0
    tight_by: tuple[Share, Share] = (0.05, 0.2)
    damage: Damage = Damage()
    recompute_map: bool = False

    @model_validator(mode="after")
    def _something_stays(self) -> "Augmentation":
        low, high = self.tight_by
        if not low <= high < _HALF:
            msg = f"tight_by: needs the smallest and the largest share of a side, below {_HALF}, got {low}, {high}"
            raise ValueError(msg)
        return self


class Training(Group):
    """One recipe: what is drawn, optimiser, schedule and Lightning's Trainer.

    An epoch, after which is validated, is so many ``passes`` over what is trained on. ``batch_size`` counts the samples
    of a step over all devices; ``accumulate`` steps make one update. ``schedule`` after the warm-up (``warmup_share``
    of all updates): cosine from ``lr`` to ``min_lr``, or step, by ``step_factor`` each ``step_every`` updates down to
    ``min_lr``. ``ema_decay``: validate and keep the moving average of the weights. ``patience`` in epochs without a
    better validation video AUC. ``damage_rises``: over this first share of the epochs the shares of
    ``augmentation.damage`` rise from 0 to what they are: small networks begin with what they can see.

    ``balanced`` label: real and fake equally often; identity: and within each label each person equally often.
    ``paired``: half of a batch are fakes, the other half the frames they were made from; where_named: if any fake names
    its original. ``fakes`` self_blended: from real faces alone, half of a batch are pseudo-fakes of the kinds in
    ``pseudo_fakes``. ``validated_on`` labelled: the epoch is chosen on labelled faces all the same; as_trained: on what
    is trained on. ``mask_weight`` of a second loss, with self_blended: where in a pseudo-fake something was blended in,
    asked of each place of the network's last map of features (after Face X-ray, Li et al. 2020); the answer is not
    kept.

    ``devices``, ``num_nodes``, ``accelerator`` and ``strategy`` are Lightning's; strategy auto starts one process a
    device. ``num_workers`` processes load samples; auto: as many as help. ``compile``: torch.compile.
    """

    epochs: Positive
    passes: Positive = 1
    batch_size: Annotated[int, Field(ge=2)]
    accumulate: Positive = 1
    lr: Annotated[float, Field(gt=0)]
    min_lr: NonNegative
    schedule: Literal["cosine", "step"] = "cosine"
    step_every: Positive = 1000
    step_factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    warmup_share: Share
    weight_decay: NonNegative
    gradient_clip: Annotated[float, Field(gt=0)]
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = None
    patience: Positive
    precision: Literal["32-true", "bf16-mixed", "16-mixed"]
    balanced: Literal["none", "label", "identity"]
    paired: Literal["where_named"] | bool = False
    damage_rises: Share = 0.0
    fakes: Literal["labelled", "self_blended"] = "labelled"
    pseudo_fakes: PseudoFakes = PseudoFakes()
    mask_weight: NonNegative = 0.0
    validated_on: Literal["as_trained", "labelled"] = "as_trained"
    devices: Positive = 1
    num_nodes: Positive = 1
    accelerator: Literal["auto", "cpu", "gpu", "mps"] = "auto"
    strategy: str = "auto"
    compile: bool = False
    num_workers: Annotated[int, Field(ge=0)] | Literal["auto"] = "auto"
    seed: Annotated[int, Field(ge=0)]
    augmentation: Augmentation

    @property
    def in_pairs(self) -> bool:
        """Whether a batch may hold pairs of a real and a fake sample."""
        return bool(self.paired) or self.fakes == "self_blended"

    @property
    def validates_labelled(self) -> bool:
        """Whether the epoch is chosen on labelled faces."""
        return self.fakes == "labelled" or self.validated_on == "labelled"

    @model_validator(mode="after")
    def _fits_together(self) -> "Training":
        if self.paired is True and self.fakes == "self_blended":
            msg = "paired: self-blended fakes come in pairs already, set paired to false"
            raise ValueError(msg)
        if self.mask_weight and self.fakes != "self_blended":
            rule = "only pseudo-fakes have a mask, set fakes to self_blended or this to 0"
            msg = f"mask_weight: {rule}, got {self.mask_weight}"
            raise ValueError(msg)
        least = self.devices * self.num_nodes * (2 if self.in_pairs else 1)
        if self.batch_size % least:
            rule = f"must be a multiple of {least} (an equal share a device, pairs whole)"
            msg = f"batch_size: {rule}, got {self.batch_size}"
            raise ValueError(msg)
        return self
