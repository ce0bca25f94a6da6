"""Engines for tests, and short ways to write their messages."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from langchain_qdrant_async import proto
from langchain_qdrant_async.proto import collections as C  # noqa: N812
from langchain_qdrant_async.proto import common as M  # noqa: N812
from langchain_qdrant_async.proto import points as P  # noqa: N812

OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.default_authority", "localhost"),
)
WAIT_S = 20


@dataclass
class Engine:
    """An engine process that listens on TCP as well as on its Unix socket."""

    process: subprocess.Popen[bytes]
    folder: Path
    address: str

    @property
    def announced(self) -> dict[str, Any]:
        return json.loads((self.folder / "engine.lock").read_bytes())  # type: ignore[no-any-return]

    @property
    def target(self) -> str:
        return str(self.announced["grpc"])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(WAIT_S)


@contextmanager
def serving(folder: Path, *options: str, env: dict[str, str] | None = None) -> Iterator[Engine]:
    """An engine that goes on until it is told to stop, or the test is over."""
    command = [sys.executable, "-m", "langchain_qdrant_async.engine", str(folder), "--listen", "127.0.0.1:0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=env) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().decode()
            assert line.startswith("listening on "), line
            yield Engine(process, folder, line.removeprefix("listening on ").strip())
        finally:
            process.kill()  # does nothing to one that has ended


class Stubs:
    """The three services of an engine, and shorthands that name the collection."""

    def __init__(self, channel: grpc.aio.Channel, collection: str = "") -> None:
        self.points: Any = proto.PointsStub(channel)
        self.collections: Any = proto.CollectionsStub(channel)
        self.snapshots: Any = proto.SnapshotsStub(channel)
        self.service: Any = proto.QdrantStub(channel)
        self.collection = collection

    async def create(self, **fields: Any) -> None:
        await self.collections.Create(C.CreateCollection(collection_name=self.collection, **fields))

    async def upsert(self, *points: P.PointStruct, **fields: Any) -> P.UpdateResult:
        request = P.UpsertPoints(collection_name=self.collection, points=points, **({"wait": True} | fields))
        return (await self.points.Upsert(request)).result  # type: ignore[no-any-return]

    async def query(self, **fields: Any) -> list[P.ScoredPoint]:
        return list((await self.points.Query(P.QueryPoints(collection_name=self.collection, **fields))).result)

    async def ids(self, **fields: Any) -> list[Any]:
        return [plain_id(hit.id) for hit in await self.query(**fields)]

    async def matching(self, *must: M.Condition, **groups: Any) -> list[Any]:
        """The ids that a filter selects, in order."""
        condition = M.Filter(must=must, **groups)
        request = P.ScrollPoints(collection_name=self.collection, filter=condition, limit=1000)
        return [plain_id(found.id) for found in (await self.points.Scroll(request)).result]

    async def get(self, *ids: Any, **fields: Any) -> list[P.RetrievedPoint]:
        request = P.GetPoints(collection_name=self.collection, ids=map(point_id, ids), **fields)
        return list((await self.points.Get(request)).result)

    async def payload(self, an_id: Any) -> dict[str, Any]:
        (found,) = await self.get(an_id, with_payload=P.WithPayloadSelector(enable=True))
        return {key: plain(value) for key, value in found.payload.items()}

    async def count(self, **fields: Any) -> int:
        response = await self.points.Count(P.CountPoints(collection_name=self.collection, **fields))
        return int(response.result.count)


def point_id(value: int | str) -> M.PointId:
    return M.PointId(num=value) if isinstance(value, int) else M.PointId(uuid=value)


def plain_id(message: M.PointId) -> int | str:
    return message.num if message.WhichOneof("point_id_options") == "num" else message.uuid


def value(plain_value: Any) -> proto.json.Value:
    message = proto.json.Value()
    match plain_value:
        case None:
            message.null_value = proto.json.NULL_VALUE
        case bool():
            message.bool_value = plain_value
        case int():
            message.integer_value = plain_value
        case float():
            message.double_value = plain_value
        case str():
            message.string_value = plain_value
        case list():
            message.list_value.CopyFrom(proto.json.ListValue(values=map(value, plain_value)))
        case dict():
            message.struct_value.CopyFrom(proto.json.Struct(fields=payload(plain_value)))
    return message


def payload(fields: dict[str, Any]) -> dict[str, proto.json.Value]:
    return {key: value(plain_value) for key, plain_value in fields.items()}


def plain(message: proto.json.Value) -> Any:
    match message.WhichOneof("kind"):
        case "null_value" | None:
            return None
        case "list_value":
            return [plain(item) for item in message.list_value.values]
        case "struct_value":
            return {key: plain(item) for key, item in message.struct_value.fields.items()}
        case kind:
            return getattr(message, kind)


def vector(data: Any) -> P.Vector:
    """Dense from floats, multi from lists, sparse from a dictionary."""
    if isinstance(data, dict):
        return P.Vector(sparse=P.SparseVector(indices=list(data), values=list(data.values())))
    if data and isinstance(data[0], list):
        return P.Vector(multi_dense=P.MultiDenseVector(vectors=[P.DenseVector(data=row) for row in data]))
    return P.Vector(dense=P.DenseVector(data=data))


def vectors(data: Any) -> P.Vectors:
    """One unnamed vector, or named ones from a dictionary."""
    if isinstance(data, dict):
        return P.Vectors(vectors=P.NamedVectors(vectors={name: vector(each) for name, each in data.items()}))
    return P.Vectors(vector=vector(data))


def point(an_id: int | str, data: Any, /, **fields: Any) -> P.PointStruct:
    return P.PointStruct(id=point_id(an_id), vectors=vectors(data), payload=payload(fields))


def example(data: Any) -> P.VectorInput:
    """A query vector; a plain integer or string is a point id."""
    if isinstance(data, int | str):
        return P.VectorInput(id=point_id(data))
    message = vector(data)
    kind = message.WhichOneof("vector")
    assert kind is not None
    return P.VectorInput(**{kind: getattr(message, kind)})


def nearest(data: Any) -> P.Query:
    return P.Query(nearest=example(data))


def dense_config(size: int = 4, distance: Any = None, **fields: Any) -> C.VectorsConfig:
    return C.VectorsConfig(params=dense_params(size, distance, **fields))


def dense_params(size: int = 4, distance: Any = None, **fields: Any) -> C.VectorParams:
    return C.VectorParams(size=size, distance=C.Dot if distance is None else distance, **fields)


def field(key: str, /, **clauses: Any) -> M.Condition:
    return M.Condition(field=M.FieldCondition(key=key, **clauses))


def match(key: str, /, **kind: Any) -> M.Condition:
    return field(key, match=M.Match(**kind))


def selected(*ids: int | str) -> P.PointsSelector:
    return P.PointsSelector(points=P.PointsIdsList(ids=map(point_id, ids)))


class Refused:
    """Expects an RPC to be refused: `with Refused(code, text): await ...`."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        self.code, self.text = code, text

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: object, _trace: object) -> bool:
        assert isinstance(error, grpc.aio.AioRpcError), f"was not refused: {error!r}"
        assert (error.code(), self.text in str(error.details())) == (self.code, True), error.details()
        return True
