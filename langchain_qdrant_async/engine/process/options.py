"""`python -m langchain_qdrant_async.engine FOLDER [--listen HOST:PORT ...]`."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from langchain_qdrant_async.hosts import is_loopback
from langchain_qdrant_async.rendezvous import EPHEMERAL

_PAUSE_S = 1.0
_LARGEST_REQUEST_MB = 10
"""Source: `max_request_size_mb` in Qdrant's `config/config.yaml`."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A TCP address to serve on, beside the Unix socket."""

    address: str
    """`HOST:PORT`; port 0 takes a free one."""
    api_key: str | None = None
    """Allows everything."""
    read_only_api_key: str | None = None
    """Allows reading."""
    certificate: Path | None = None
    """PEM file of the certificate chain, or None to serve without TLS."""
    private_key: Path | None = None
    """PEM file of its key."""
    largest_request_bytes: int = _LARGEST_REQUEST_MB * 2**20
    """How large a request may be, also a compressed one when it is inflated."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a command line asks for."""

    folder: Path
    """Where the collections are kept."""
    ephemeral: bool
    """Whether to remove the folder at the end."""
    listener: Listener | None
    """Where to serve on TCP; then the engine goes on until it is told to stop."""
    optimise_after_s: float | None
    """How long writes to a collection have paused when it is indexed and quantised; None: never."""


def parse() -> Options:
    """The options of this process; it ends here if they cannot be."""
    parser = argparse.ArgumentParser(prog="langchain_qdrant_async.engine", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the collections are kept")
    parser.add_argument(EPHEMERAL, action="store_true", help="remove the folder at the end")
    _add_listener(parser)
    _add_optimiser(parser)
    given = parser.parse_args()
    if (given.tls_cert is None) != (given.tls_key is None):
        parser.error("--tls-cert and --tls-key belong together")
    for name in (given.api_key_env, given.read_only_api_key_env):
        if name is not None and not os.environ.get(name):
            parser.error(f"the environment variable {name} is not set")
    if _is_open_to_all(given):
        parser.error(
            f"{given.listen} can be reached from other machines: name an environment variable with an API key by"
            " --api-key-env"
        )
    return Options(given.folder, given.ephemeral, _listener(given), given.optimise_after)


def _add_listener(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--listen", metavar="HOST:PORT", help="also serve on TCP, until told to stop")
    parser.add_argument("--api-key-env", metavar="NAME", help="environment variable that holds the API key")
    parser.add_argument("--read-only-api-key-env", metavar="NAME", help="the same, for a key that only reads")
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="certificate chain, PEM")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its private key, PEM")
    parser.add_argument(
        "--largest-request",
        type=int,
        choices=range(1, 2048),
        default=_LARGEST_REQUEST_MB,
        metavar="MB",
        help="how large a request over TCP may be, inflated (%(default)s)",
    )


def _add_optimiser(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--optimise-after",
        type=float,
        default=_PAUSE_S,
        metavar="SECONDS",
        help="index and quantise a collection when writes have paused for so long (%(default)s)",
    )
    parser.add_argument(
        "--no-optimiser", dest="optimise_after", action="store_const", const=None, help="never index or quantise"
    )


def _listener(given: argparse.Namespace) -> Listener | None:
    if given.listen is None:
        return None
    return Listener(
        given.listen,
        api_key=_secret(given.api_key_env),
        read_only_api_key=_secret(given.read_only_api_key_env),
        certificate=given.tls_cert,
        private_key=given.tls_key,
        largest_request_bytes=given.largest_request * 2**20,
    )


def _is_open_to_all(given: argparse.Namespace) -> bool:
    if given.listen is None or given.api_key_env is not None or given.read_only_api_key_env is not None:
        return False
    return not is_loopback(given.listen.rpartition(":")[0].removeprefix("[").removesuffix("]"))


def _secret(name: str | None) -> str | None:
    return None if name is None else os.environ[name]
