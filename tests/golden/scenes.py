"""What the golden files hold, and the script that wrote them: `python tests/golden/scenes.py`.

They were written by the package as it was before it was rebuilt (commit 4575f4d), and hold what is stored or spoken: so
they are never written anew because a test fails. It uses public names only, and so runs with any version:

    points.json       what a store upserts: ids and payloads in three layouts, as `UpsertPoints`
    origins.json      what a store says of its vectors' origin: metadata of a collection, and the reserved point
    reductions.json   reductions as bytes
    engine.tar.gz     the folder of an embedded engine that was closed
    names.json        what users import, and what the methods of the public classes take
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import inspect
import json
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc.aio
import numpy as np
from google.protobuf.message import Message
from langchain_core.embeddings import Embeddings

import langchain_qdrant_async
from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    Collections,
    CollectionSpec,
    Connection,
    Embedded,
    Layout,
    QdrantStoreError,
    ReducedEmbeddings,
    Reduction,
    Remote,
)
from langchain_qdrant_async.proto import (
    add_CollectionsServicer_to_server,
    add_PointsServicer_to_server,
    collections,
    points,
)

FOLDER = Path(__file__).parent

SUBMODULES = ("embedding", "proto", "errors")
SIZE, DIMENSION = 12, 4
LAYOUTS = {
    "default": Layout(),
    "flat": Layout(metadata_key=None),
    "named": Layout(content_key="text", metadata_key="about it", vector_name="dense"),
}
ORIGINS = ("model", "reduction", "model in a point", "reduction in a point")

METADATA: list[dict[str, Any] | None] = [
    None,
    {},
    {"lang": "en", "year": 2020, "score": 0.5, "draft": False, "final": True, "nothing": None},
    {"int": 1, "float": 1.0, "zero": 0, "zero float": 0.0, "minus zero": -0.0},
    {"min": -(2**63), "max": 2**63 - 1, "tiny": 5e-324, "huge": 1.7976931348623157e308},
    {"rounded": 0.1234567890123456, "also": [1.1, {"deep": 2.2250738585072014e-308, "pi": 3.141592653589793}]},
    {"empty": [], "inside": {"list": [], "dict": {}}, "of lists": [[], [[]], [{"again": []}]]},
    {"unicode": "é🙂\0ß", "ключ": "значение", "dotted.key": 1, 'quoted "key"': {"back\\slash": []}, "with space": []},
    {"author": {"name": "Ada", "born": {"year": 1815, "places": ["London", {"country": "UK"}]}}, "tags": ["a", 1]},
    {"tuple": (1, (2, "x"), ()), "float32": np.float32(0.1), "int64": np.int64(-7), "bool": np.bool_(True)},
    {"": "empty key", "text of metadata": "", "_private": {"_original_id": "kept"}},
    {"thirds": 1 / 3, "sum": 0.1 + 0.2, "e": 2.718281828459045, "large": 123456789012345680.0, "small": 1.7e-290},
]  # fmt: skip

GIVEN_IDS: list[str | int | uuid.UUID] = [
    "6f1d5b0a-7a0e-5c5e-9c7b-3d1f0f6f4a2a",
    uuid.UUID("0b1c2d3e-0000-4000-8000-00000000000a"),
    "AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE",
    "aaaaaaaabbbb4ccc8dddeeeeeeeeeee0",
    "0",
    42,
    str(2**64 - 1),
    str(2**64),
    "007",
    "document one",
    "straße/🙂.md#1",
    " ",
]
TEXTS = ["the first text", "", "naïve café", "a\nb\tc\0", *(f"text number {n} 🙂" for n in range(4, len(METADATA)))]


class GoldenEmbeddings(Embeddings):
    """Vectors of whole numbers, from a hash of the text: the same on every machine.

    Attributes:
        model: by which the package tells models apart.
    """

    def __init__(self, size: int = SIZE) -> None:
        self.size = size
        self.model = "golden"

    def embed_query(self, text: str) -> list[float]:
        return [float(byte - 127) for byte in hashlib.sha256(text.encode()).digest()[: self.size]]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    async def aembed_query(self, text: str) -> list[float]:
        return self.embed_query(text)

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.embed_documents(texts)


class Recorder:
    """A server that notes each request, and passes it on to another one."""

    def __init__(self, stubs: Any, requests: list[Any], *, old: bool) -> None:
        self._stubs, self._requests, self._old = stubs, requests, old

    def __getattr__(self, name: str) -> Callable[[Any, Any], Awaitable[Any]]:
        async def call(request: Any, context: Any) -> Any:
            self._requests.append(_copy(request))
            if self._old and hasattr(request, "metadata"):
                request.ClearField("metadata")  # servers before Qdrant 1.16 know no such field
            try:
                return await getattr(self._stubs, name)(request)
            except QdrantStoreError as error:
                code = getattr(error, "code", grpc.StatusCode.UNKNOWN)
                await context.abort(code, getattr(error, "details", None) or str(error))

        return call


@asynccontextmanager
async def recording(engine: Connection, *, old: bool = False) -> AsyncIterator[tuple[Connection, list[Any]]]:
    """A connection to an engine over a socket, and the requests that pass it; `old`: without collections' metadata."""
    requests: list[Any] = []
    server = grpc.aio.server()
    add_PointsServicer_to_server(Recorder(engine.points, requests, old=old), server)
    add_CollectionsServicer_to_server(Recorder(engine.collections, requests, old=old), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with Connection(Remote(f"127.0.0.1:{port}")) as connection:
        yield connection, requests
    await server.stop(None)


async def upserted(engine: Connection, name: str, layout: str) -> bytes:
    """The one request by which a store writes the documents."""
    async with recording(engine) as (connection, requests):
        store = _store(connection, name, GoldenEmbeddings(DIMENSION), LAYOUTS[layout])
        await store.aadd_texts(TEXTS, METADATA, GIVEN_IDS)
        [request] = [each for each in requests if isinstance(each, points.UpsertPoints)]
        request.collection_name = layout
        return exact(request)


async def stored_origin(engine: Connection, name: str, origin: str) -> bytes:
    """What a new collection says of its vectors: its metadata in a `CreateCollection`, or the reserved point."""
    async with recording(engine, old="point" in origin) as (connection, requests):
        await _store(connection, name, _embedding(origin)).aadd_texts(TEXTS, METADATA, GIVEN_IDS)
    upserts = [each for each in requests if isinstance(each, points.UpsertPoints) and len(each.points) == 1]
    if "point" in origin:
        return exact(upserts[0].points[0])
    assert not upserts
    told = [each.metadata for each in requests if hasattr(each, "metadata") and each.metadata]
    return exact(collections.CreateCollection(metadata=told[-1]))


def reductions() -> dict[str, Reduction]:
    """One of each kind."""
    vectors = np.asarray(GoldenEmbeddings().embed_documents([f"text {n}" for n in range(200)]), np.float32)
    return {
        "identity": Reduction.identity(DIMENSION),
        "truncation": Reduction.truncation(SIZE, DIMENSION),
        "random-projection": Reduction.random_projection(SIZE, DIMENSION, seed=7),
        "principal-components": Reduction.fit(vectors, DIMENSION),
        "principal-components of few": Reduction.fit(vectors[:9], 2),
    }


async def write_engine(folder: Path) -> None:
    """Two collections with documents, indexes with and without parameters, a reduction, an alias; closed."""
    async with Connection(Embedded(folder)) as connection:
        embedding = ReducedEmbeddings(GoldenEmbeddings(), DIMENSION, _reduction())
        spec = CollectionSpec("docs", dimension=DIMENSION, payload_indexes={"lang": "keyword", "year": "integer"})
        await _store(connection, "docs", embedding, spec=spec).aadd_texts(TEXTS, METADATA, GIVEN_IDS)
        await _store(connection, "flat", GoldenEmbeddings(), LAYOUTS["flat"]).aadd_texts(TEXTS, METADATA, GIVEN_IDS)
        params = collections.PayloadIndexParams(
            text_index_params=collections.TextIndexParams(tokenizer=collections.TokenizerType.Word, lowercase=True)
        )
        index = points.CreateFieldIndexCollection(
            collection_name="docs",
            field_name="page_content",
            field_type=points.FieldType.FieldTypeText,
            field_index_params=params,
            wait=True,
        )
        await connection.points.CreateFieldIndex(index)
        await Collections(connection).alias("latest", "docs")


def exact(message: Message) -> bytes:
    """A message as bytes, the entries of its maps in order."""
    return message.SerializeToString(deterministic=True)


def golden(file: str) -> dict[str, bytes]:
    """What one of the files holds, by name."""
    return {name: base64.b64decode(text) for name, text in json.loads((FOLDER / file).read_text()).items()}


def _copy(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def _store(
    connection: Connection,
    name: str,
    embedding: Embeddings,
    layout: Layout = LAYOUTS["default"],
    spec: CollectionSpec | None = None,
) -> AsyncQdrantVectorStore:
    spec = spec or CollectionSpec(name, dimension=_size(embedding), layout=layout)
    return AsyncQdrantVectorStore(connection, name, embedding, spec=spec)


def _size(embedding: Embeddings) -> int:
    return len(embedding.embed_query("a text"))


def _embedding(origin: str) -> Embeddings:
    if origin.startswith("model"):
        return GoldenEmbeddings()
    return ReducedEmbeddings(GoldenEmbeddings(), DIMENSION, _reduction())


def _reduction() -> Reduction:
    return Reduction.from_bytes(golden("reductions.json")["principal-components"])


def public_names() -> dict[str, str]:
    """What users import, by module."""
    modules = [langchain_qdrant_async, *(import_module(f"langchain_qdrant_async.{each}") for each in SUBMODULES)]
    return {each.__name__: " ".join(_public(each)) for each in modules}


def public_methods() -> dict[str, str]:
    """What each method of the public classes takes: in order what may be positional, `|`, and keywords."""
    every = [getattr(langchain_qdrant_async, name) for name in _public(langchain_qdrant_async)]
    return {
        f"{cls.__name__}.{name}": " ".join(_taken(getattr(cls, name)))
        for cls in filter(inspect.isclass, every)
        for name in ("__init__", *(name for name in dir(cls) if not name.startswith("_")))
        if _is_ours(inspect.getattr_static(cls, name))
    }


def _public(module: ModuleType) -> list[str]:
    own = (name for name, each in vars(module).items() if getattr(each, "__module__", "") == module.__name__)
    return sorted(getattr(module, "__all__", own))


def _is_ours(member: object) -> bool:
    function = getattr(member, "__func__", member)
    return inspect.isfunction(function) and function.__module__.startswith("langchain_qdrant_async")


def _taken(method: Callable[..., Any]) -> list[str]:
    given = [each for each in inspect.signature(method).parameters.values() if each.name != "self"]
    positional = [each.name for each in given if each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD}]
    return [*positional, "|", *(each.name for each in given if each.kind == each.KEYWORD_ONLY)]


def _write(file: str, content: dict[str, bytes]) -> None:
    texts = {name: base64.b64encode(each).decode() for name, each in content.items()}
    (FOLDER / file).write_text(json.dumps(texts, indent=1) + "\n")


def _pack(folder: Path) -> None:
    """By GNU tar, which leaves out the holes: the engine makes files of 32 MB with nothing in them."""
    options = ["--sparse", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"]
    tar = ["tar", *options, "--use-compress-program=gzip -n -9", "-cf", str(FOLDER / "engine.tar.gz"), "."]
    subprocess.run(tar, cwd=folder, check=True)


async def _write_all(scratch: Path) -> None:
    _write("reductions.json", {name: each.to_bytes() for name, each in reductions().items()})
    async with Connection(Embedded(scratch / "recorded")) as engine:
        _write("points.json", {layout: await upserted(engine, f"points-{layout}", layout) for layout in LAYOUTS})
        _write("origins.json", {origin: await stored_origin(engine, f"origin {origin}", origin) for origin in ORIGINS})
    names = {"names": public_names(), "methods": public_methods()}
    (FOLDER / "names.json").write_text(json.dumps(names, indent=1) + "\n")
    await write_engine(scratch / "engine")
    _pack(scratch / "engine")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(_write_all(Path(scratch)))
    sys.stdout.write(f"written to {FOLDER}\n")
