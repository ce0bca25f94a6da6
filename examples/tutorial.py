"""The Qdrant async tutorial, step by step, through this package.

    python examples/tutorial.py                         # an embedded engine in memory
    python examples/tutorial.py http://localhost:6334   # a server

Collections are handled by `Collections`, documents by the store, and everything else by the typed stubs
`connection.collections` and `connection.points` with messages from `langchain_qdrant_async.proto`: the stubs of
Qdrant's own gRPC services, on whichever event loop is running, with the connection's deadline, retries and errors.
"""

from __future__ import annotations

import asyncio
import random
import sys
from dataclasses import dataclass

from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    CollectionInfo,
    Collections,
    CollectionSpec,
    Connection,
    Distance,
    Hnsw,
    NotFound,
    ScalarQuantization,
)
from langchain_qdrant_async.proto import common, json, points

DIMENSION = 100
TIMEOUT_S = 10


@dataclass
class Tutorial:
    """The steps, over one connection and one collection."""

    connection: Connection
    name: str = "async_tutorial"

    async def meet_a_missing_collection(self) -> NotFound:
        """Describing what is not there is an error of its own class, with Qdrant's status and text."""
        try:
            await Collections(self.connection).describe(self.name)
        except NotFound as error:
            return error
        raise SystemExit(f"{self.name} exists already; drop it first")

    async def create(self) -> CollectionInfo:
        """100 numbers, cosine, one byte for each number in the index, ten seconds at most."""
        spec = CollectionSpec(self.name, DIMENSION, Distance.COSINE, quantization=ScalarQuantization())
        return await Collections(self.connection).create(spec, timeout=TIMEOUT_S)

    async def update(self) -> CollectionInfo:
        """A more careful index: 200 candidates for each point while building."""
        return await Collections(self.connection).update(self.name, hnsw=Hnsw(ef_construct=200))

    async def upsert(self, count: int = 100) -> points.UpdateResult:
        """Points with an integer and a boolean beside the vector, by the raw stub; done when it returns."""
        request = points.UpsertPoints(
            collection_name=self.name, points=[point(number) for number in range(count)], wait=True
        )
        response: points.PointsOperationResponse = await self.connection.points.Upsert(request)
        return response.result

    async def query_bare(self) -> list[points.ScoredPoint]:
        """The nearest points: ids and scores alone."""
        return await self._query(points.QueryPoints(query=nearest(3), limit=5))

    async def query_with_payload_and_vectors(self) -> list[points.ScoredPoint]:
        """The same points, with everything that they hold."""
        request = points.QueryPoints(query=nearest(3), limit=5)
        request.with_payload.enable = request.with_vectors.enable = True
        return await self._query(request)

    async def query_filtered(self) -> list[points.ScoredPoint]:
        """Only points with `int_param == 32`."""
        request = points.QueryPoints(query=nearest(3), limit=5, filter=int_param_is(32))
        request.with_payload.enable = True
        return await self._query(request)

    async def scroll(self) -> list[int]:
        """The ids of all points, a page at a time, in order."""
        request = points.ScrollPoints(collection_name=self.name, limit=40)
        ids: list[int] = []
        while True:
            page = await self.connection.points.Scroll(request)
            ids.extend(each.id.num for each in page.result)
            if not page.HasField("next_page_offset"):
                return ids
            request.offset.CopyFrom(page.next_page_offset)

    async def recommend(self) -> list[points.ScoredPoint]:
        """Points like 1 and 2, and unlike 3."""
        examples = points.RecommendInput(positive=[by_id(1), by_id(2)], negative=[by_id(3)])
        return await self._query(points.QueryPoints(query=points.Query(recommend=examples), limit=5))

    async def search_as_documents(self) -> list[Document]:
        """The same points as a LangChain store sees them: here the whole payload is metadata."""
        embedding = DeterministicFakeEmbedding(size=DIMENSION)
        store = AsyncQdrantVectorStore(self.connection, self.name, embedding, metadata_payload_key=None)
        await store.aadd_texts(["thirty-two"], [{"int_param": 32, "bool_param": True}], ["a-document"])
        return await store.asimilarity_search("thirty-two", filter={"int_param": 32, "bool_param": True})

    async def drop(self) -> bool:
        """Delete the collection; whether there was one."""
        return await Collections(self.connection).drop(self.name)

    async def _query(self, request: points.QueryPoints) -> list[points.ScoredPoint]:
        request.collection_name = self.name
        response = await self.connection.points.Query(request, timeout=TIMEOUT_S)
        return list(response.result)


def vector(number: int) -> list[float]:
    """A vector that is the same each time."""
    numbers = random.Random(number)
    return [numbers.uniform(-1, 1) for _ in range(DIMENSION)]


def point(number: int) -> points.PointStruct:
    """A point whose payload can be filtered."""
    payload = {"int_param": json.Value(integer_value=number), "bool_param": json.Value(bool_value=number % 2 == 0)}
    dense = points.Vector(dense=points.DenseVector(data=vector(number)))
    return points.PointStruct(id=common.PointId(num=number), vectors=points.Vectors(vector=dense), payload=payload)


def nearest(number: int) -> points.Query:
    """A query by a point's own vector."""
    return points.Query(nearest=points.VectorInput(dense=points.DenseVector(data=vector(number))))


def by_id(number: int) -> points.VectorInput:
    """An example that is in the collection."""
    return points.VectorInput(id=common.PointId(num=number))


def int_param_is(number: int) -> common.Filter:
    """The filter in Qdrant's own words; the store takes `{"int_param": 32}`."""
    field = common.FieldCondition(key="int_param", match=common.Match(integer=number))
    return common.Filter(must=[common.Condition(field=field)])


async def main(target: str = ":memory:") -> None:
    """Take every step and print what came of it.

    Args:
        target: `":memory:"`, a folder, or the URL of a Qdrant server.
    """
    async with Connection(target) as connection:
        tutorial = Tutorial(connection)
        print("missing:", await tutorial.meet_a_missing_collection())
        print("created:", await tutorial.create())
        print("ef_construct:", (await tutorial.update()).message.config.hnsw_config.ef_construct)
        print("upserted:", points.UpdateStatus.Name((await tutorial.upsert()).status))
        print("nearest:", [(each.id.num, round(each.score, 3)) for each in await tutorial.query_bare()])
        first = (await tutorial.query_with_payload_and_vectors())[0]
        print(
            "int_param:",
            first.payload["int_param"].integer_value,
            "vector:",
            first.vectors.vector.dense.data[:3],
            "...",
        )
        print("int_param == 32:", [each.id.num for each in await tutorial.query_filtered()])
        print("scrolled:", len(await tutorial.scroll()), "points")
        print("recommended:", [each.id.num for each in await tutorial.recommend()])
        print("as documents:", await tutorial.search_as_documents())
        print("dropped:", await tutorial.drop())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
