"""What a detector makes of faces, and what its parts have learned, as arrays."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from fakefocus.explain.parts import (
    channel_attention,
    constrained_filters,
    log_spectrum,
    radial_profile,
    spectral_factors,
)
from fakefocus.inference import Prepared
from fakefocus.parameters import Explanation

Arrays = dict[str, NDArray[Any]]
_LOT = 32
_FEWEST = 5
"""Faces below which there is no plane to lay them on: all lie at 0."""


def look(shown: Prepared, scores: NDArray[np.float64], explanation: Explanation) -> Arrays:
    """Return what there is to see of a detector on some faces.

    Args:
        shown: The detector and the faces.
        scores: Of them, as evaluation has them.
        explanation: Seed, and perplexity of t-SNE, which is lower where faces are fewer.

    Returns:
        ``crop``, ``label``, ``method``, ``group`` and ``score`` ``(N,)``; ``embeddings`` ``(N, D)`` as ``float16``;
        ``pca`` and ``tsne`` ``(N, 2)``, ``explained`` ``(2,)``: shares of the variance on both axes of PCA. Where the
        network has them: ``kernels`` and ``responses`` of constrained filters; ``eca/<layer>`` ``(N, C)``;
        ``factors`` and ``bands`` of a spectral mask, then ``spectra`` ``(2, S, S)`` of real and fake faces and
        ``profiles`` ``(N, S // 2)``; ``streams``, ``attention`` ``(N, S, S)`` between them, ``shares`` ``(N, S)`` and
        ``similarity`` ``(S, S)``, the mean cosine of their tokens.
    """
    scorer, table = shown.scorer, shown.samples
    network: Any = scorer.network
    arrays: Arrays = {
        "crop": table["crop"].to_numpy(str),
        "label": table["label"].to_numpy(np.int64),
        "method": table["method"].to_numpy(str),
        "group": table["group"].to_numpy(str),
        "score": scores,
    }
    tokens = scorer.embed(shown.crops).cpu()
    arrays |= _planes(tokens.flatten(1).numpy(), explanation)
    if tokens.ndim == 3:
        arrays |= _streams(network.cpu(), tokens)
    network = network.cpu()
    filters, factors = constrained_filters(network), spectral_factors(network)
    if filters is not None:
        arrays |= filters._asdict()
    x = scorer.inputs(shown.crops).cpu() if factors is not None or _has_eca(network) else None
    if x is not None:
        gates = [channel_attention(network, lot) for lot in x.split(_LOT)]
        arrays |= {f"eca/{name}": np.concatenate([gate[name] for gate in gates]) for name in gates[0]}
    if factors is not None and x is not None:
        spectra = log_spectrum(x)
        by_label = [spectra[arrays["label"] == label] for label in (0, 1)]
        means = [lot.mean(0) if len(lot) else np.full(spectra.shape[1:], np.nan) for lot in by_label]
        arrays |= factors._asdict() | {"spectra": np.stack(means), "profiles": radial_profile(spectra)}
    return arrays


def distances(embeddings: NDArray[np.floating], reals: Prepared) -> NDArray[np.float32]:
    """Return how far embeddings ``(N, D)`` are from the mean of real faces that no test face is among, ``(N,)``.

    Euclidean, by the root of the dimension: the deviation of a single value. The centre that a loss has learned is not
    kept with a detector; that of real validation faces is where it draws them to.
    """
    centre = reals.scorer.embed(reals.crops).flatten(1).mean(0).cpu().numpy()
    offset = embeddings.astype(np.float32) - centre
    return np.asarray(np.linalg.norm(offset, axis=1) / np.sqrt(embeddings.shape[1]), dtype=np.float32)


def _planes(embeddings: NDArray[np.float32], explanation: Explanation) -> Arrays:
    stored: Arrays = {"embeddings": embeddings.astype(np.float16)}
    if len(embeddings) < _FEWEST:
        flat = np.zeros((len(embeddings), 2), np.float32)
        return stored | {"pca": flat, "tsne": flat, "explained": np.zeros(2, np.float32)}
    pca = PCA(2, random_state=explanation.seed).fit(embeddings)
    perplexity = min(explanation.perplexity, (len(embeddings) - 1) / 3)
    tsne = TSNE(2, perplexity=perplexity, init="pca", random_state=explanation.seed)
    # several threads add up in an order of their own, and another sum is another plane
    with threadpool_limits(1):
        plane = tsne.fit_transform(embeddings)
    return stored | {
        "pca": pca.transform(embeddings).astype(np.float32),
        "explained": pca.explained_variance_ratio_.astype(np.float32),
        "tsne": plane.astype(np.float32),
    }


@torch.inference_mode()
def _streams(network: Any, tokens: torch.Tensor) -> Arrays:  # noqa: ANN401 (torch's)
    unit = torch.nn.functional.normalize(tokens, dim=2)
    return {
        "streams": np.array(network.streams),
        "attention": network.attention(tokens).float().numpy(),
        "shares": network.shares(tokens).float().numpy(),
        "similarity": (unit @ unit.transpose(1, 2)).mean(0).numpy(),
    }


def _has_eca(network: Any) -> bool:  # noqa: ANN401
    from timm.layers import EcaModule

    return any(isinstance(module, EcaModule) for module in network.modules())
