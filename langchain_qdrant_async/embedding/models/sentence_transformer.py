"""sentence-transformers models as LangChain embeddings: loaded late, off the loop, shared by all callers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from langchain_qdrant_async.checks import whole_number
from langchain_qdrant_async.embedding.array_embeddings import ArrayBackedEmbeddings
from langchain_qdrant_async.embedding.fingerprint import Fingerprint
from langchain_qdrant_async.embedding.matrix import Matrix, Vector
from langchain_qdrant_async.embedding.models.loading import canonical_name, load, load_numpy, name_of
from langchain_qdrant_async.embedding.models.padding import evenly_long
from langchain_qdrant_async.embedding.models.shared_model import Purpose, SharedModel
from langchain_qdrant_async.embedding.texts import check_text, check_texts
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.runtime.closing import Closing

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from langchain_qdrant_async.embedding.models.numpy_encoder import NumpyEncoder

_WINDOW = 4096
"""Texts that wait in the queue for one call: sorting a million of them by length would stall the loop."""

Backend = Literal["torch", "onnx", "openvino", "numpy"]

_NUMPY_OPTIONS = frozenset({"backend", "cache_folder", "local_files_only", "revision"})
"""Those that the backend of that name knows."""


class SentenceTransformerEmbeddings(Closing, ArrayBackedEmbeddings):
    """A sentence-transformers model whose `aembed_*` never block the loop and share the model's calls.

    The constructor does no I/O; the model is loaded on the first text, on a thread of its own. Concurrent calls from
    any loop or thread are encoded together (see `SharedModel`). Use `load()` or `aload()` to pay for loading early.
    """

    def __init__(  # noqa: PLR0913 - each is a setting of sentence-transformers that users know
        self,
        model: str | SentenceTransformer,
        *,
        device: str | None = None,
        dtype: str | None = None,
        normalize: bool = True,
        query_prompt: str | None = None,
        document_prompt: str | None = None,
        truncate_dim: int | None = None,
        backend: Backend = "torch",
        batch_size: int = 64,
        **options: Any,
    ) -> None:
        """Remember what to load.

        Args:
            model: a name, the path of a folder, or a loaded model (then `device`, `dtype`, `backend` and `options`
                must be left out: they are already decided).
            device: "cpu", "cuda", "mps"...; by default sentence-transformers chooses.
            dtype: "float32", "float16", "bfloat16" or "auto"; by default the weights' own.
            normalize: whether vectors get length 1.
            query_prompt: put before each query; by default what the model declares for queries.
            document_prompt: put before each document; by default what the model declares for documents.
            truncate_dim: keep this many numbers of a Matryoshka model's vectors.
            backend: who runs the model. "numpy" needs neither PyTorch nor sentence-transformers (`pip install
                'langchain-qdrant-async[numpy]'`) and is ready at once; it runs models of the BERT family on the CPU,
                gives the same numbers to rounding, and refuses others by name. It is for programs that end soon and
                for short texts; PyTorch is quicker with many.
            batch_size: texts in one call of the model at most.
            options: passed to `SentenceTransformer`, e.g. `cache_folder`, `revision`, `model_kwargs`.

        Raises:
            InvalidInput: a size below 1, or load options beside a model that is loaded already.
        """
        whole_number("batch_size", batch_size, at_least=1)
        if truncate_dim is not None:
            whole_number("truncate_dim", truncate_dim, at_least=1)
        self._model: SentenceTransformer | NumpyEncoder | None = None if isinstance(model, str) else model
        self.model_name = model if isinstance(model, str) else name_of(model)
        self.normalize = normalize
        self.query_prompt = query_prompt
        self.document_prompt = document_prompt
        self.truncate_dim = truncate_dim
        self.dtype = dtype
        self._options = _load_options(device, dtype, backend, options)
        if self._model is not None and self._options:
            raise InvalidInput(f"the model is loaded already; {sorted(self._options)} cannot be changed any more")
        self._shared = SharedModel(
            self._encode, source=self.model_name, batch_size=batch_size, prepare=self._loaded_model
        )

    @property
    def fingerprint(self) -> Fingerprint:
        """What decides the numbers: the model and how texts are put to it. Not where or how exactly it runs."""
        return {
            "class": "SentenceTransformer",
            "model": canonical_name(self.model_name),
            "revision": self._options.get("revision"),
            "normalize": self.normalize,
            "query_prompt": self.query_prompt,
            "document_prompt": self.document_prompt,
            "truncate_dim": self.truncate_dim,
        }

    def embed_documents_array(self, texts: list[str]) -> Matrix:
        """As `embed_documents`, float32 (texts, size)."""
        checked = check_texts(texts)
        return self._shared.encode_blocking(checked, "document") if checked else _no_vectors()

    def embed_query_array(self, text: str) -> Vector:
        """As `embed_query`, float32 (size,)."""
        row: Vector = self._shared.encode_blocking([check_text(text)], "query")[0]
        return row

    async def aembed_documents_array(self, texts: list[str]) -> Matrix:
        """As `aembed_documents`, float32 (texts, size)."""
        checked = check_texts(texts)
        windows = [checked[start : start + _WINDOW] for start in range(0, len(checked), _WINDOW)]
        parts = [await self._shared.encode(window, "document") for window in windows]
        return np.concatenate(parts) if parts else _no_vectors()

    async def aembed_query_array(self, text: str) -> Vector:
        """As `aembed_query`, float32 (size,)."""
        row: Vector = (await self._shared.encode([check_text(text)], "query"))[0]
        return row

    def load(self) -> None:
        """Load the model now rather than on the first text."""
        self.embed_query_array("")

    async def aload(self) -> None:
        """Load the model now rather than on the first text, off the loop."""
        await self.aembed_query_array("")

    def close(self) -> None:
        """Turn away who waits, end the thread, let go of the model."""
        self._shared.close()
        self._model = None

    async def aclose(self) -> None:
        """As `close`, without blocking the loop."""
        await self._shared.aclose()
        self._model = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model_name!r})"

    def _loaded_model(self) -> SentenceTransformer | NumpyEncoder:
        """On the encoder's thread only, which makes a lock needless."""
        if self._model is None:
            loading = load_numpy if self._options.get("backend") == "numpy" else load
            self._model = loading(self.model_name, self._options)
        return self._model

    def _encode(self, texts: list[str], purpose: Purpose) -> Matrix:
        """On the encoder's thread only."""
        groups = [texts] if _takes_any_lengths(self._loaded_model()) else evenly_long(texts)
        return np.concatenate([self._encode_together(group, purpose) for group in groups])

    def _encode_together(self, texts: list[str], purpose: Purpose) -> Matrix:
        model = self._loaded_model()
        encode = model.encode_query if purpose == "query" else model.encode_document
        rows: Matrix = encode(
            texts,
            prompt=self.query_prompt if purpose == "query" else self.document_prompt,
            batch_size=len(texts),
            show_progress_bar=False,
            convert_to_numpy=True,
            normalize_embeddings=self.normalize,
            truncate_dim=self.truncate_dim,
        )
        return rows


def _load_options(device: str | None, dtype: str | None, backend: Backend, options: dict[str, Any]) -> dict[str, Any]:
    chosen: dict[str, Any] = dict(options)
    if device is not None:
        chosen["device"] = device
    if dtype is not None:
        chosen["model_kwargs"] = {**options.get("model_kwargs", {}), "dtype": dtype}
    if backend != "torch":
        chosen["backend"] = backend
    return _for_numpy(chosen) if backend == "numpy" else chosen


def _for_numpy(options: dict[str, Any]) -> dict[str, Any]:
    """The options without those that ask for what numpy does anyway.

    Raises:
        InvalidInput: one that it cannot do.
    """
    usual: dict[str, Any] = {"device": "cpu", "model_kwargs": {"dtype": "float32"}}
    left = {name: value for name, value in options.items() if usual.get(name) != value}
    if unknown := sorted(left.keys() - _NUMPY_OPTIONS):
        raise InvalidInput(f"backend='numpy' knows no {', '.join(unknown)}: it computes in float32 on the CPU")
    return left


def _takes_any_lengths(model: SentenceTransformer | NumpyEncoder) -> bool:
    """Whether a batch costs what its texts cost, however long the longest of them is."""
    return not hasattr(model, "__getitem__") or bool(getattr(model[0], "can_flatten_inputs", False))


def _no_vectors() -> Matrix:
    return np.empty((0, 0), np.float32)
