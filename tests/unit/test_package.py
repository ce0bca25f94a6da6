"""The public surface: names, twins, and what an import costs."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
from langchain_core.vectorstores import VectorStore

import langchain_qdrant_async as package
from langchain_qdrant_async import AsyncQdrantVectorStore
from langchain_qdrant_async import errors as errors_module
from langchain_qdrant_async.errors import QdrantStoreError

NATIVE_IN_LANGCHAIN = {"asearch", "asimilarity_search_with_relevance_scores", "afrom_documents"}
"""They only await other methods, which are ours."""

COROUTINES = sorted(
    name
    for name, member in inspect.getmembers(AsyncQdrantVectorStore)
    if inspect.iscoroutinefunction(member) and name.startswith("a")
)


def test_every_public_name_resolves() -> None:
    assert package.__all__ == sorted(package._HOME) == dir(package)
    for name in package.__all__:
        assert getattr(package, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = package.Nothing


def test_every_error_is_public_and_in_the_tree() -> None:
    errors = [
        each
        for _, each in inspect.getmembers(errors_module, inspect.isclass)
        if each.__module__ == errors_module.__name__
    ]
    assert all(issubclass(each, QdrantStoreError) for each in errors)
    assert {each.__name__ for each in errors} <= set(package.__all__)
    assert all(each.__name__ in (errors_module.__doc__ or "") for each in errors)


def test_every_async_method_of_langchain_is_a_coroutine_of_ours() -> None:
    theirs = {
        name for name, member in inspect.getmembers(VectorStore) if inspect.iscoroutinefunction(inspect.unwrap(member))
    }
    for name in {name for name in theirs if name.startswith("a")} - NATIVE_IN_LANGCHAIN:
        member = inspect.getattr_static(AsyncQdrantVectorStore, name)
        function = member.__func__ if isinstance(member, classmethod) else member
        assert function.__module__.startswith("langchain_qdrant_async"), f"{name} runs in LangChain's executor"
        assert inspect.iscoroutinefunction(function)


@pytest.mark.parametrize("name", COROUTINES)
def test_every_coroutine_has_a_blocking_twin_with_its_signature(name: str) -> None:
    twin = getattr(AsyncQdrantVectorStore, name.removeprefix("a"))
    assert not inspect.iscoroutinefunction(twin)
    assert inspect.getdoc(twin)
    if name.startswith("afrom") or name in NATIVE_IN_LANGCHAIN:
        return
    assert inspect.signature(twin) == inspect.signature(getattr(AsyncQdrantVectorStore, name))
    assert twin.__name__ == name.removeprefix("a")
    assert twin.__qualname__.endswith(f".{twin.__name__}")


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import langchain_qdrant_async", ["grpc", "langchain_core", "numpy", "qdrant_client"]),
        ("import langchain_qdrant_async.proto", ["langchain_core", "numpy", "qdrant_client.http", "pydantic"]),
        ("from langchain_qdrant_async import AsyncQdrantVectorStore", ["qdrant_client.http", "torch", "qdrant_edge"]),
        ("import langchain_qdrant_async.engine.process.lifetime", ["langchain_core", "numpy", "pydantic"]),
        ("import langchain_qdrant_async.embedding", ["torch", "sentence_transformers", "qdrant_client"]),
    ],
)
def test_imports_stay_cheap(statement: str, absent: list[str]) -> None:
    source = f"import sys; {statement}; print([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    "source",
    [
        "import langchain_qdrant_async.proto, qdrant_client as q; q.grpc.QueryPoints; q.AsyncQdrantClient",
        "import langchain_qdrant_async.proto; from qdrant_client import models, QdrantClient, grpc; models.Filter",
        "import qdrant_client, langchain_qdrant_async.proto as p; assert qdrant_client.grpc.PointsStub is p.PointsStub",
        "import langchain_qdrant_async.proto, qdrant_client as q; assert not hasattr(q, 'nothing')",
    ],
)
def test_qdrant_client_works_beside_the_cheap_import(source: str) -> None:
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
