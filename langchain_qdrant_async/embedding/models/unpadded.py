"""Batches without padding: the texts of a batch lie one behind the other in one row, and none attends to another.

A batch of texts is a rectangle, so the model computes every text as long as the longest one. sentence-transformers can
lay texts out flat where FlashAttention is installed, which is on GPUs only; here the same layout runs on the CPU, with
PyTorch's own attention for one text after the other. Measured with all-MiniLM-L6-v2 on two cores without AVX-512: 64
of Cranfield's questions take 0.68 of the time, 32 of its abstracts 0.59.

Imports torch: import this only when a model is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from langchain_qdrant_async.embedding.matrix import Matrix

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_NAME = "langchain-qdrant-async-flat"
"""Of the attention, among those that transformers knows."""
_ENCODERS = frozenset({"bert", "camembert", "distilbert", "roberta", "xlm-roberta"})
"""Kinds of model in which every token attends to all others of its text, and to nothing by distance."""
_FLAT_LAYOUT = frozenset({"cu_seq_lens_q", "cu_seq_lens_k", "max_length_q", "max_length_k", "seq_idx"})
"""What describes the row beside its tokens: passed through the model to each attention layer."""
_PROBES = ("", "a", "one text is short", "another one is longer, as it has more words; " * 8)
"""Texts of several lengths, by which the layout is tried."""
_TOLERANCE = 1e-5


def unpad(model: SentenceTransformer) -> bool:
    """Let a model on the CPU take batches without padding, if it is of a known kind and gives the same; whether so."""
    transformer: Any = model[0]
    if not _suits(model, transformer):
        return False
    padded, attention = _encode(model), transformer.model.config._attn_implementation  # noqa: SLF001
    if _works(model, transformer, padded):
        return True
    transformer.can_flatten_inputs = False
    transformer.model.set_attn_implementation(attention)
    return False


def _works(model: SentenceTransformer, transformer: Any, padded: Matrix) -> bool:
    """By trying: whether the layout reaches the attention unharmed depends on the version of transformers."""
    try:
        _lay_flat(transformer)
        return np.allclose(_encode(model), padded, rtol=0, atol=_TOLERANCE)
    except Exception:  # noqa: BLE001  whatever it is, batches are padded then
        return False


def _suits(model: SentenceTransformer, transformer: Any) -> bool:
    """Whether it is such a model, and these libraries can lay texts out flat (transformers 5)."""
    config: Any = getattr(getattr(transformer, "model", None), "config", None)
    return (
        model.device.type == "cpu"
        and getattr(config, "model_type", None) in _ENCODERS
        and not config.is_decoder
        and getattr(transformer, "can_flatten_inputs", None) is False
        and getattr(transformer, "transformer_task", None) == "feature-extraction"
        and hasattr(transformer, "_infer_flatten_position_offset")
        and getattr(transformer.model, "is_backend_compatible", bool)()
    )


def _lay_flat(transformer: Any) -> None:
    """Do what sentence-transformers does where FlashAttention is there.

    Source: sentence_transformers/base/modules/transformer.py, 6.2.0, `Transformer._can_flatten_inputs`.
    """
    from transformers import AttentionInterface, AttentionMaskInterface, DataCollatorWithFlattening
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(_NAME, attend)
    AttentionMaskInterface.register(_NAME, sdpa_mask)  # for batches that come padded all the same
    transformer.model.set_attn_implementation(_NAME)
    transformer.data_collator = DataCollatorWithFlattening(  # type: ignore[no-untyped-call]
        return_position_ids=True, return_seq_idx=True, return_flash_attn_kwargs=True
    )
    if transformer.model_forward_params is not None:
        transformer.model_forward_params |= _FLAT_LAYOUT
    transformer._flatten_position_offset = transformer._infer_flatten_position_offset()  # noqa: SLF001
    transformer.can_flatten_inputs = True


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    cu_seq_lens_q: torch.Tensor | None = None,
    **rest: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of each text to itself, (1, tokens of all texts, heads, size), with the parameters of transformers.

    `query`, `key` and `value` are (1, heads, tokens of all texts, size).
    """
    if cu_seq_lens_q is None or len(cu_seq_lens_q) == 2:  # padded all the same, or a single text
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **rest)
    rows = [each[0].transpose(0, 1) for each in (query, key, value)]
    attended = torch.empty_like(rows[0])
    for places in _by_length(cu_seq_lens_q.tolist()):
        asking, asked, said = (each[places].transpose(1, 2) for each in rows)
        heads = torch.nn.functional.scaled_dot_product_attention(asking, asked, said, scale=scaling)
        attended[places] = heads.transpose(1, 2)
    return attended.unsqueeze(0), None


def _by_length(bounds: list[int]) -> Iterator[torch.Tensor]:
    """Where the tokens of texts of one length lie, (texts, length): PyTorch takes 0.1 ms for a call however small."""
    starts: dict[int, list[int]] = {}
    for start, end in pairwise(bounds):
        starts.setdefault(end - start, []).append(start)
    for length, firsts in starts.items():
        yield torch.tensor(firsts).unsqueeze(1) + torch.arange(length)


def _encode(model: SentenceTransformer) -> Matrix:
    return model.encode(list(_PROBES), batch_size=len(_PROBES), show_progress_bar=False, convert_to_numpy=True)
