"""Engines for tests, and short ways to write their messages."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from json import loads
from pathlib import Path
from typing import Any

import grpc

from langchain_qdrant_async.proto import (
    CollectionsStub,
    PointsStub,
    QdrantStub,
    SnapshotsStub,
    collections,
    common,
    json,
    points,
)

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
    """The process itself."""
    folder: Path
    """Where it keeps its collections."""
    address: str
    """Where it listens, as `HOST:PORT`."""

    @property
    def announced(self) -> dict[str, Any]:
        return loads((self.folder / "engine.lock").read_bytes())  # type: ignore[no-any-return]

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
        self.points: Any = PointsStub(channel)
        self.collections: Any = CollectionsStub(channel)
        self.snapshots: Any = SnapshotsStub(channel)
        self.service: Any = QdrantStub(channel)
        self.collection = collection

    async def create(self, **fields: Any) -> None:
        await self.collections.Create(collections.CreateCollection(collection_name=self.collection, **fields))

    async def upsert(self, *given: points.PointStruct, **fields: Any) -> points.UpdateResult:
        request = points.UpsertPoints(collection_name=self.collection, points=given, **({"wait": True} | fields))
        return (await self.points.Upsert(request)).result  # type: ignore[no-any-return]

    async def query(self, **fields: Any) -> list[points.ScoredPoint]:
        return list((await self.points.Query(points.QueryPoints(collection_name=self.collection, **fields))).result)

    async def ids(self, **fields: Any) -> list[Any]:
        return [plain_id(hit.id) for hit in await self.query(**fields)]

    async def matching(self, *must: common.Condition, **groups: Any) -> list[Any]:
        """The ids that a filter selects, in order."""
        condition = common.Filter(must=must, **groups)
        request = points.ScrollPoints(collection_name=self.collection, filter=condition, limit=1000)
        return [plain_id(found.id) for found in (await self.points.Scroll(request)).result]

    async def get(self, *ids: Any, **fields: Any) -> list[points.RetrievedPoint]:
        request = points.GetPoints(collection_name=self.collection, ids=map(point_id, ids), **fields)
        return list((await self.points.Get(request)).result)

    async def payload(self, an_id: Any) -> dict[str, Any]:
        (found,) = await self.get(an_id, with_payload=points.WithPayloadSelector(enable=True))
        return {key: plain(value) for key, value in found.payload.items()}

    async def count(self, **fields: Any) -> int:
        response = await self.points.Count(points.CountPoints(collection_name=self.collection, **fields))
        return int(response.result.count)


def point_id(value: int | str) -> common.PointId:
    return common.PointId(num=value) if isinstance(value, int) else common.PointId(uuid=value)


def plain_id(message: common.PointId) -> int | str:
    return message.num if message.WhichOneof("point_id_options") == "num" else message.uuid


def value(plain_value: Any) -> json.Value:
    message = json.Value()
    match plain_value:
        case None:
            message.null_value = json.NULL_VALUE
        case bool():
            message.bool_value = plain_value
        case int():
            message.integer_value = plain_value
        case float():
            message.double_value = plain_value
        case str():
            message.string_value = plain_value
        case list():
            message.list_value.CopyFrom(json.ListValue(values=map(value, plain_value)))
        case dict():
            message.struct_value.CopyFrom(json.Struct(fields=payload(plain_value)))
    return message


def payload(fields: dict[str, Any]) -> dict[str, json.Value]:
    return {key: value(plain_value) for key, plain_value in fields.items()}


def plain(message: json.Value) -> Any:
    match message.WhichOneof("kind"):
        case "null_value" | None:
            return None
        case "list_value":
            return [plain(item) for item in message.list_value.values]
        case "struct_value":
            return {key: plain(item) for key, item in message.struct_value.fields.items()}
        case kind:
            return getattr(message, kind)


def vector(data: Any) -> points.Vector:
    """Dense from floats, multi from lists, sparse from a dictionary."""
    if isinstance(data, dict):
        return points.Vector(sparse=points.SparseVector(indices=list(data), values=list(data.values())))
    if data and isinstance(data[0], list):
        return points.Vector(
            multi_dense=points.MultiDenseVector(vectors=[points.DenseVector(data=row) for row in data])
        )
    return points.Vector(dense=points.DenseVector(data=data))


def vectors(data: Any) -> points.Vectors:
    """One unnamed vector, or named ones from a dictionary."""
    if isinstance(data, dict):
        return points.Vectors(vectors=points.NamedVectors(vectors={name: vector(each) for name, each in data.items()}))
    return points.Vectors(vector=vector(data))


def point(an_id: int | str, data: Any, /, **fields: Any) -> points.PointStruct:
    return points.PointStruct(id=point_id(an_id), vectors=vectors(data), payload=payload(fields))


def example(data: Any) -> points.VectorInput:
    """A query vector; a plain integer or string is a point id."""
    if isinstance(data, int | str):
        return points.VectorInput(id=point_id(data))
    message = vector(data)
    kind = message.WhichOneof("vector")
    assert kind is not None
    return points.VectorInput(**{kind: getattr(message, kind)})


def nearest(data: Any) -> points.Query:
    return points.Query(nearest=example(data))


def dense_config(size: int = 4, distance: Any = None, **fields: Any) -> collections.VectorsConfig:
    return collections.VectorsConfig(params=dense_params(size, distance, **fields))


def dense_params(size: int = 4, distance: Any = None, **fields: Any) -> collections.VectorParams:
    return collections.VectorParams(size=size, distance=collections.Dot if distance is None else distance, **fields)


def field(key: str, /, **clauses: Any) -> common.Condition:
    return common.Condition(field=common.FieldCondition(key=key, **clauses))


def match(key: str, /, **kind: Any) -> common.Condition:
    return field(key, match=common.Match(**kind))


def selected(*ids: int | str) -> points.PointsSelector:
    return points.PointsSelector(points=points.PointsIdsList(ids=map(point_id, ids)))


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
