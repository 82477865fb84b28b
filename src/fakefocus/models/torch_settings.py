"""How torch uses the machine, the same for training, scoring and measuring."""

import ctypes
import sys

import torch


def set_up_torch() -> None:
    """Set what torch's defaults cost in time or in exactness; may be called as often as one likes."""
    _keep_freed_memory()
    _keep_single_precision()


def _keep_freed_memory() -> None:
    """Let glibc keep the memory of freed activations instead of giving it back at each step.

    With its defaults, every large tensor is mapped and zeroed anew by the kernel: on a CPU that is the
    larger part of SCADE-Net's step. Elsewhere than on glibc nothing is changed.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        trim_threshold, mmap_threshold = -1, -3
        mallopt(mmap_threshold, 1 << 30)
        mallopt(trim_threshold, (1 << 31) - 1)


def _keep_single_precision() -> None:
    """Let a GPU compute float32 in float32: cuDNN rounds what it convolves to TF32, which keeps ten bits.

    Detectors look at differences of neighbouring pixels, and one that was trained on a GPU answers on a processor.
    Who wants speed asks for it by ``training.precision: bf16-mixed``.
    """
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    # newer releases have one switch an operation, which others may have turned
    for name in ("conv", "rnn"):
        operation = getattr(torch.backends.cudnn, name, None)
        if operation is not None:
            operation.fp32_precision = "ieee"
