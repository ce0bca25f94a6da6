"""Every write that fails says which ids were written and which were not, those that were made here among them."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from langchain_core.documents import Document

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    Collections,
    Connection,
    DeadlineExceeded,
    EmbeddingError,
    PartialWrite,
    Policy,
    QdrantStoreError,
    RateLimited,
    Remote,
    Retry,
    Unavailable,
)
from tests.embeddings import WordEmbeddings

Code = grpc.StatusCode


class Refusing(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
    """Lets some upserts pass, and answers the others with a status."""

    def __init__(self) -> None:
        self.method = "/qdrant.Points/Upsert"
        self.passing = 10**9
        self.code = Code.UNAVAILABLE

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        method = client_call_details.method
        if (method.decode() if isinstance(method, bytes) else method) == self.method:
            self.passing -= 1
            if self.passing < 0:
                nothing = grpc.aio.Metadata()
                raise grpc.aio.AioRpcError(self.code, nothing, nothing, details="as asked", debug_error_string="")
        return await continuation(client_call_details, request)


class Breaking(WordEmbeddings):
    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        if "bad" in texts:
            raise RuntimeError("the model broke")
        return await super().aembed_documents(texts)


@pytest.fixture
def refusing() -> Refusing:
    return Refusing()


@pytest.fixture
async def store(
    connection: Connection, refusing: Refusing, collection_name: str
) -> AsyncIterator[AsyncQdrantVectorStore]:
    def dial(target: str, options: Any) -> grpc.aio.Channel:
        interceptors: Any = [refusing]  # its stubs are partial
        return grpc.aio.insecure_channel(target, options=options, interceptors=interceptors)

    policy = Policy(retry=Retry(attempts=1))
    async with Connection(connection.target, dial=dial, policy=policy) as own:
        yield AsyncQdrantVectorStore(own, collection_name, Breaking())


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (Code.UNAVAILABLE, Unavailable),
        (Code.DEADLINE_EXCEEDED, DeadlineExceeded),
        (Code.RESOURCE_EXHAUSTED, RateLimited),
    ],
)
@pytest.mark.parametrize("passing", [0, 1, 2])
async def test_ids_that_the_store_made_are_not_lost(
    store: AsyncQdrantVectorStore, refusing: Refusing, passing: int, code: Code, kind: type[QdrantStoreError]
) -> None:
    texts = list("abcde")
    refusing.passing, refusing.code = passing, code
    with pytest.raises(PartialWrite if passing else kind) as caught:
        await store.aadd_texts(texts, batch_size=2)
    error = caught.value
    assert isinstance(error.__cause__ if passing else error, kind)
    ids = [*error.written, *error.unwritten]
    assert len(error.written) == 2 * passing
    assert len({str(uuid.UUID(each)) for each in ids}) == 5
    refusing.passing = 10**9
    await store.aadd_texts(texts[len(error.written) :], ids=error.unwritten)
    found = await store.aget_by_ids(ids)
    assert [each.page_content for each in found] == texts, "in input order, and nothing twice"
    assert (await Collections(store.connection).describe(store.collection_name)).points_count == 5


@pytest.mark.parametrize("method", ["Collections/ListAliases", "Collections/Get", "Collections/Create"])
async def test_whatever_fails_before_the_first_batch(
    store: AsyncQdrantVectorStore, refusing: Refusing, method: str
) -> None:
    refusing.method, refusing.passing = f"/qdrant.{method}", 0
    documents = [Document("a", id="mine"), Document("b")]
    with pytest.raises(Unavailable) as caught:
        await store.aadd_documents(documents)
    assert caught.value.written == []
    assert caught.value.unwritten[0] == "mine"
    assert len(caught.value.unwritten) == 2


async def test_a_batch_that_is_cut_by_its_bytes_counts_what_was_written_of_it(
    store: AsyncQdrantVectorStore, refusing: Refusing
) -> None:
    await store.aadd_texts(["first"])
    refusing.passing = 1
    texts = [f"{n}" * 3_000_000 for n in range(4)]
    with pytest.raises(PartialWrite) as caught:
        await store.aadd_texts(texts)
    assert [len(each) for each in (caught.value.written, caught.value.unwritten)] == [2, 2]
    assert len(await store.aget_by_ids(caught.value.written)) == 2


async def test_a_model_that_fails_at_once(store: AsyncQdrantVectorStore) -> None:
    await store.aadd_texts(["first"])
    with pytest.raises(EmbeddingError) as caught:
        await store.aadd_texts(["bad", "b"], ids=["1", "2"])
    assert (caught.value.written, caught.value.unwritten) == ([], ["1", "2"])


async def test_a_server_that_is_not_there() -> None:
    async with Connection(Remote("127.0.0.1:1"), policy=Policy(retry=Retry(attempts=1))) as connection:
        with pytest.raises(Unavailable) as caught:
            await AsyncQdrantVectorStore(connection, "docs", WordEmbeddings()).aadd_texts(["a", "b"])
    assert len(caught.value.unwritten) == 2
    assert QdrantStoreError.unwritten == ()
