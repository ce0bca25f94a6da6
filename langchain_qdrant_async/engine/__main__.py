"""`python -m langchain_qdrant_async.engine FOLDER [--listen HOST:PORT ...]`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_qdrant_async.rendezvous import EPHEMERAL, FAILED, HELD_TOO_LONG, LOCK_FILE, SERVED_ALREADY

if TYPE_CHECKING:
    from langchain_qdrant_async.engine.process.folder import EngineFolder
    from langchain_qdrant_async.engine.process.process import Listener

_log = logging.getLogger("langchain_qdrant_async.engine")

_PATIENCE_S = 10.0
_PAUSE_S = 1.0


def main() -> int:
    """Serve a folder; the exit code."""
    os.umask(0o077)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    options = _options()

    from langchain_qdrant_async.engine.process.folder import EngineFolder, HeldTooLong, ServedAlready

    try:
        folder = EngineFolder(options.folder.absolute(), patience_s=_PATIENCE_S)
    except ServedAlready:
        if not options.listen:
            return SERVED_ALREADY
        _log.error("another engine serves %s: close what uses it, then serve it", options.folder)
        return FAILED
    except HeldTooLong:
        _log.error("another process holds %s/%s", options.folder, LOCK_FILE)
        return HELD_TOO_LONG
    except OSError as error:
        _log.error("%s cannot be used: %s", options.folder, error)
        return FAILED
    return asyncio.run(_serve(folder, options))


async def _serve(folder: EngineFolder, options: argparse.Namespace) -> int:
    from langchain_qdrant_async.engine.status import Refusal

    try:
        from langchain_qdrant_async.engine.process.process import EngineProcess

        process = EngineProcess(
            folder, ephemeral=options.ephemeral, listener=_listener(options), optimise_after_s=options.optimise_after
        )
    except BaseException as error:
        folder.release(remove=options.ephemeral)
        if not isinstance(error, Refusal):
            raise
        _log.error("%s", error)
        return FAILED
    try:
        await process.run()
    except (OSError, RuntimeError, ValueError) as error:
        if options.listen is None:
            raise
        _log.error("cannot serve on %s: %s", options.listen, error)
        return FAILED
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="langchain_qdrant_async.engine", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the collections are kept")
    parser.add_argument(EPHEMERAL, action="store_true", help="remove the folder at the end")
    parser.add_argument("--listen", metavar="HOST:PORT", help="also serve on TCP, until told to stop")
    parser.add_argument("--api-key-env", metavar="NAME", help="environment variable that holds the API key")
    parser.add_argument("--read-only-api-key-env", metavar="NAME", help="the same, for a key that only reads")
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="certificate chain, PEM")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its private key, PEM")
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
    options = parser.parse_args()
    if (options.tls_cert is None) != (options.tls_key is None):
        parser.error("--tls-cert and --tls-key belong together")
    for name in (options.api_key_env, options.read_only_api_key_env):
        if name is not None and not os.environ.get(name):
            parser.error(f"the environment variable {name} is not set")
    return options


def _listener(options: argparse.Namespace) -> Listener | None:
    from langchain_qdrant_async.engine.process.process import Listener

    if options.listen is None:
        return None
    return Listener(
        options.listen,
        api_key=_secret(options.api_key_env),
        read_only_api_key=_secret(options.read_only_api_key_env),
        certificate=options.tls_cert,
        private_key=options.tls_key,
    )


def _secret(name: str | None) -> str | None:
    return None if name is None else os.environ[name]


if __name__ == "__main__":
    sys.exit(main())
